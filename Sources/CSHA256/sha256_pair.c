#include "sha256_pair.h"

#if defined(__x86_64__)
#include <cpuid.h>
#include <immintrin.h>
#include <string.h>

enum { BLOCK_BYTES = 64, DIGEST_BYTES = 32, STATE_WORDS = 8 };

static const uint32_t initial_state[STATE_WORDS] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                                    0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};

static const uint32_t round_constants[64] __attribute__((aligned(16))) = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

typedef struct {
    __m128i abef, cdgh;
} State;

typedef struct {
    const uint8_t *bytes;
    size_t length;
    State state;
} Message;

#define SHA_TARGET __attribute__((target("sha,sse4.1,ssse3")))
#define INLINE SHA_TARGET __attribute__((always_inline)) static inline

bool sha256_pair_is_available(void) {
    unsigned a, b, c, d;
    if (!__get_cpuid(1, &a, &b, &c, &d) || !(c & bit_SSSE3) || !(c & bit_SSE4_1)) return false;
    return __get_cpuid_count(7, 0, &a, &b, &c, &d) && (b & bit_SHA);
}

// The instructions want the eight words as A B E F and C D G H.
INLINE State load_initial_state(void) {
    __m128i abcd = _mm_shuffle_epi32(_mm_loadu_si128((const __m128i *)initial_state), 0xB1);
    __m128i efgh = _mm_shuffle_epi32(_mm_loadu_si128((const __m128i *)(initial_state + 4)), 0x1B);
    return (State){_mm_alignr_epi8(abcd, efgh, 8), _mm_blend_epi16(efgh, abcd, 0xF0)};
}

INLINE void store_digest(State state, uint8_t *digest) {
    const __m128i big_endian = _mm_set_epi64x(0x0c0d0e0f08090a0b, 0x0405060700010203);
    __m128i feba = _mm_shuffle_epi32(state.abef, 0x1B), dchg = _mm_shuffle_epi32(state.cdgh, 0xB1);
    __m128i abcd = _mm_blend_epi16(feba, dchg, 0xF0), efgh = _mm_alignr_epi8(dchg, feba, 8);
    _mm_storeu_si128((__m128i *)digest, _mm_shuffle_epi8(abcd, big_endian));
    _mm_storeu_si128((__m128i *)(digest + 16), _mm_shuffle_epi8(efgh, big_endian));
}

// Takes `count` whole blocks from the front of each of one or two messages, in step.
INLINE void take_blocks(Message *messages, int lanes, size_t count) {
    const __m128i big_endian = _mm_set_epi64x(0x0c0d0e0f08090a0b, 0x0405060700010203);
    for (size_t block = 0; block < count; block++) {
        __m128i words[2][4];
        State before[2];
        for (int lane = 0; lane < lanes; lane++) {
            const __m128i *bytes = (const __m128i *)(messages[lane].bytes + block * BLOCK_BYTES);
            for (int i = 0; i < 4; i++) words[lane][i] = _mm_shuffle_epi8(_mm_loadu_si128(bytes + i), big_endian);
            before[lane] = messages[lane].state;
        }
#pragma GCC unroll 16
        for (int step = 0; step < 16; step++) {
            __m128i constants = _mm_load_si128((const __m128i *)(round_constants + 4 * step));
#pragma GCC unroll 2
            for (int lane = 0; lane < lanes; lane++) {
                State *state = &messages[lane].state;
                __m128i *word = words[lane];
                __m128i input = _mm_add_epi32(word[step & 3], constants);
                state->cdgh = _mm_sha256rnds2_epu32(state->cdgh, state->abef, input);
                if (step < 12) {
                    __m128i last = word[(step + 3) & 3], seventh = _mm_alignr_epi8(last, word[(step + 2) & 3], 4);
                    __m128i sum = _mm_add_epi32(_mm_sha256msg1_epu32(word[step & 3], word[(step + 1) & 3]), seventh);
                    word[step & 3] = _mm_sha256msg2_epu32(sum, last);
                }
                input = _mm_shuffle_epi32(input, 0x0E);
                state->abef = _mm_sha256rnds2_epu32(state->abef, state->cdgh, input);
            }
        }
        for (int lane = 0; lane < lanes; lane++) {
            State *state = &messages[lane].state;
            state->abef = _mm_add_epi32(state->abef, before[lane].abef);
            state->cdgh = _mm_add_epi32(state->cdgh, before[lane].cdgh);
        }
    }
    for (int lane = 0; lane < lanes; lane++) {
        messages[lane].bytes += count * BLOCK_BYTES;
        messages[lane].length -= count * BLOCK_BYTES;
    }
}

// The rest of a message, less than a block, then one bit, zeros, and the length in bits.
SHA_TARGET static void finish(Message *message, uint64_t total_length, uint8_t *digest) {
    uint8_t blocks[2 * BLOCK_BYTES] = {0};
    size_t count = message->length + 9 <= BLOCK_BYTES ? 1 : 2;
    if (message->length > 0) memcpy(blocks, message->bytes, message->length);
    blocks[message->length] = 0x80;
    for (int i = 0; i < 8; i++) blocks[count * BLOCK_BYTES - 1 - i] = (uint8_t)(total_length * 8 >> 8 * i);
    message->bytes = blocks;
    take_blocks(message, 1, count);
    store_digest(message->state, digest);
}

SHA_TARGET void sha256_pair(const uint8_t *first, size_t first_length, const uint8_t *second, size_t second_length,
                            uint8_t first_digest[32], uint8_t second_digest[32]) {
    Message messages[2] = {{first, first_length, load_initial_state()}, {second, second_length, load_initial_state()}};
    size_t shorter = first_length < second_length ? first_length : second_length;
    take_blocks(messages, 2, shorter / BLOCK_BYTES);
    for (int lane = 0; lane < 2; lane++) take_blocks(messages + lane, 1, messages[lane].length / BLOCK_BYTES);
    finish(messages, first_length, first_digest);
    finish(messages + 1, second_length, second_digest);
}

#else
#include <stdlib.h>

bool sha256_pair_is_available(void) { return false; }

void sha256_pair(const uint8_t *first, size_t first_length, const uint8_t *second, size_t second_length,
                 uint8_t first_digest[32], uint8_t second_digest[32]) {
    (void)first, (void)first_length, (void)second, (void)second_length, (void)first_digest, (void)second_digest;
    abort();
}
#endif
