// The least that moving a file by TCP can cost: one sender process, one receiver process, loopback.
#ifndef FLOOR_H
#define FLOOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { HEADER_BYTES = 12, DIGEST_BYTES = 32, CHUNKS_PER_FOLDER = 1000, PATH_BYTES = 4096, RING_BATCH_MOST = 16 };

typedef struct {
    const char *folder;    // holds the source data and the output
    size_t total_bytes;
    size_t chunk_bytes;
    size_t chunk_count;    // the last chunk may be shorter
    size_t ring_batch;     // chunks in one submission
} Job;

// RING_OPEN and what follows go through io_uring.
typedef enum { SENDFILE, COPY, RING_OPEN, RING_READ, RING_ZERO_COPY, RING_SPLICE } SendWay;
typedef struct {
    SendWay way;
    bool flat;    // one file, or one for each chunk
} SendMode;

typedef enum { STORE_NOTHING, STORE_FLAT, STORE_FILES, STORE_MAPPED, STORE_SPLICED, STORE_RING } StoreMode;
typedef enum { HASH_NOTHING, HASH_ONE, HASH_PAIR } HashMode;
typedef struct {
    StoreMode store;
    HashMode hash;
    bool fallocated, direct;
} ReceiveMode;

// The length of a chunk, in bytes.
size_t chunk_length(const Job *job, size_t chunk);

// Paths below the folder of the job; `role` is "source" or "output". They live in a static buffer until the next call.
const char *flat_path(const Job *job, const char *role);
const char *chunk_path(const Job *job, const char *role, size_t chunk);

// Makes random source data, flat and as chunk files, unless data of this very layout is there.
void make_source(const Job *job);

// Makes the empty folders that chunk files go to.
void make_chunk_folders(const Job *job, const char *role);

// Removes whatever a receiver stored.
void remove_output(const Job *job);

// Compares what was stored, and the digests if there are any, with the source; ends the program on a difference.
void check_output(const Job *job, ReceiveMode mode, const uint8_t *digests);

// Sends all chunks, each behind a header, into a connected socket.
void send_all(const Job *job, SendMode mode, int socket_descriptor);

void send_all_by_ring(const Job *job, SendMode mode, int socket_descriptor);

// Receives all chunks. `digests` has room for one SHA-256 per chunk, indexed by chunk ID.
void receive_all(const Job *job, ReceiveMode mode, int socket_descriptor, uint8_t *digests);

// Ends the program with the name of the call that failed and its errno, or with a plain message.
_Noreturn void fail(const char *call);
_Noreturn void stop(const char *message);

#endif
