// SHA-256 by libcrypto, by Sources/CSHA256, and by libipsec-mb where its header is there: digests [MESSAGE_BYTES].
#define _GNU_SOURCE
#include <openssl/evp.h>
#include <sha256_pair.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#if __has_include(<intel-ipsec-mb.h>)
#include <intel-ipsec-mb.h>
#define HAS_MULTI_BUFFER 1
#endif

enum { MESSAGES = 16, REPEATS = 3 };

static const double total_bytes = 4e8;
static size_t message_bytes = 102400;
static uint8_t *messages[MESSAGES], expected[MESSAGES][32], found[MESSAGES][32];

static double cpu_seconds(void) {
    struct timespec time;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
    return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

static void by_libcrypto(size_t lanes, void *context) {
    for (size_t i = 0; i < lanes; i++) EVP_Digest(messages[i], message_bytes, found[i], NULL, context, NULL);
}

static void by_pairs(size_t lanes, void *context) {
    (void)context;
    for (size_t i = 0; i + 1 < lanes; i += 2)
        sha256_pair(messages[i], message_bytes, messages[i + 1], message_bytes, found[i], found[i + 1]);
}

#ifdef HAS_MULTI_BUFFER
static void by_multi_buffer(size_t lanes, void *context) {
    IMB_MGR *manager = context;
    for (size_t i = 0; i < lanes; i++) {
        IMB_JOB *job = IMB_GET_NEXT_JOB(manager);
        job->chain_order = IMB_ORDER_HASH_CIPHER;
        job->cipher_mode = IMB_CIPHER_NULL;
        job->cipher_direction = IMB_DIR_ENCRYPT;
        job->hash_alg = IMB_AUTH_SHA_256;
        job->src = messages[i];
        job->hash_start_src_offset_in_bytes = 0;
        job->msg_len_to_hash_in_bytes = message_bytes;
        job->auth_tag_output = found[i];
        job->auth_tag_output_len_in_bytes = 32;
        IMB_SUBMIT_JOB(manager);
    }
    while (IMB_FLUSH_JOB(manager)) {}
}
#endif

static void measure(const char *name, size_t lanes, void (*hash)(size_t, void *), void *context) {
    double best = 1e9;
    memset(found, 0, sizeof found);
    size_t rounds = (size_t)(total_bytes / (double)(message_bytes * lanes)) + 1;
    for (int repeat = 0; repeat < REPEATS; repeat++) {
        double start = cpu_seconds();
        for (size_t i = 0; i < rounds; i++) hash(lanes, context);
        double cost = (cpu_seconds() - start) / ((double)(rounds * lanes * message_bytes) / 1e9);
        if (cost < best) best = cost;
    }
    if (memcmp(found, expected, 32 * lanes) == 0) printf("%s, %zu at a time: %.3f CPU-s/GB\n", name, lanes, best);
    else printf("%s, %zu at a time: can't\n", name, lanes);
}

int main(int count, char **arguments) {
    if (count > 1) message_bytes = strtoul(arguments[1], NULL, 10);
    for (size_t i = 0; i < MESSAGES; i++) {
        messages[i] = malloc(message_bytes);
        if (!messages[i]) return 1;
        for (size_t j = 0; j < message_bytes; j++) messages[i][j] = (uint8_t)rand();
        EVP_Digest(messages[i], message_bytes, expected[i], NULL, EVP_sha256(), NULL);
    }
    EVP_MD *sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
    measure("libcrypto", 1, by_libcrypto, sha256);
    if (sha256_pair_is_available()) measure("CSHA256", 2, by_pairs, NULL);
#ifdef HAS_MULTI_BUFFER
    static const struct {
        const char *name;
        uint64_t flags;
        void (*start)(IMB_MGR *);
    } kinds[] = {{"libipsec-mb, SHA-NI", 0, init_mb_mgr_sse},
                 {"libipsec-mb, SSE", IMB_FLAG_SHANI_OFF, init_mb_mgr_sse},
                 {"libipsec-mb, AVX2", IMB_FLAG_SHANI_OFF, init_mb_mgr_avx2},
                 {"libipsec-mb, AVX-512", 0, init_mb_mgr_avx512}};
    for (size_t kind = 0; kind < sizeof kinds / sizeof *kinds; kind++) {
        IMB_MGR *manager = alloc_mb_mgr(kinds[kind].flags);
        if (!manager) return 1;
        kinds[kind].start(manager);
        if (imb_get_errno(manager) != 0) continue;
        for (size_t lanes = 1; lanes <= MESSAGES; lanes *= 2) measure(kinds[kind].name, lanes, by_multi_buffer, manager);
        free_mb_mgr(manager);
    }
#endif
    return 0;
}
