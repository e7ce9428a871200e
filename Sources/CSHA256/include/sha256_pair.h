#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/// Whether this processor has instructions for SHA-256; `sha256_pair` must not be called where it has none.
bool sha256_pair_is_available(void);

/// The SHA-256 digests of two messages of any lengths, worked out at the same time: where one message waits for its
/// last instruction, the other goes on. Two take little more time than one (FIPS 180-4; Intel SHA Extensions).
void sha256_pair(const uint8_t *first, size_t first_length, const uint8_t *second, size_t second_length,
                 uint8_t first_digest[32], uint8_t second_digest[32]);
