// What new pages of a file cost: pages FOLDER WAY PIECE_BYTES THREADS writes 1 GB in pieces from memory that is in the
// cache. Ways: pwrite, mutex (one thread at a time), fallocated, map, populate.
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

enum { THREADS_MOST = 64 };

static const size_t total_bytes = 1000000000;
static size_t piece_bytes, thread_count;
static const char *way;
static int file;
static char *map;
static pthread_mutex_t turn = PTHREAD_MUTEX_INITIALIZER;

static _Noreturn void fail(const char *call) {
    perror(call);
    exit(1);
}

static void put(const char *bytes, size_t offset) {
    int takes_turns = strcmp(way, "mutex") == 0;
    if (map) {
        size_t start = offset & ~(size_t)4095;
        if (strcmp(way, "populate") == 0 && madvise(map + start, offset + piece_bytes - start, MADV_POPULATE_WRITE) < 0)
            fail("madvise");
        memcpy(map + offset, bytes, piece_bytes);
        return;
    }
    if (takes_turns) pthread_mutex_lock(&turn);
    if (pwrite(file, bytes, piece_bytes, (off_t)offset) != (ssize_t)piece_bytes) fail("pwrite");
    if (takes_turns) pthread_mutex_unlock(&turn);
}

static void *write_share(void *first) {
    char *bytes = aligned_alloc(4096, (piece_bytes + 4095) / 4096 * 4096);
    if (!bytes) fail("aligned_alloc");
    memset(bytes, 7, piece_bytes);
    for (size_t piece = (size_t)first; (piece + 1) * piece_bytes <= total_bytes; piece += thread_count)
        put(bytes, piece * piece_bytes);
    free(bytes);
    return NULL;
}

static double cpu_seconds(void) {
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) * 1e-6;
}

int main(int count, char **arguments) {
    if (count != 5) return fprintf(stderr, "usage: %s FOLDER WAY PIECE_BYTES THREADS\n", arguments[0]), 64;
    way = arguments[2];
    piece_bytes = strtoul(arguments[3], NULL, 10);
    thread_count = strtoul(arguments[4], NULL, 10);
    if (piece_bytes == 0 || piece_bytes > total_bytes || thread_count == 0 || thread_count > THREADS_MOST) return 64;
    char path[4096];
    snprintf(path, sizeof path, "%s/millrace-pages", arguments[1]);
    file = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (file < 0) fail("open");
    unlink(path);
    double before = cpu_seconds();
    if (ftruncate(file, (off_t)total_bytes) < 0) fail("ftruncate");
    if (strcmp(way, "fallocated") == 0 && fallocate(file, 0, 0, (off_t)total_bytes) < 0) fail("fallocate");
    if (strcmp(way, "map") == 0 || strcmp(way, "populate") == 0) {
        map = mmap(NULL, total_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
        if (map == MAP_FAILED) fail("mmap");
    }
    pthread_t threads[THREADS_MOST];
    for (size_t i = 0; i < thread_count; i++)
        if (pthread_create(&threads[i], NULL, write_share, (void *)i) != 0) fail("pthread_create");
    for (size_t i = 0; i < thread_count; i++) pthread_join(threads[i], NULL);
    if (map) munmap(map, total_bytes);
    printf("%s %s %zu bytes, %zu threads: %.3f CPU-s/GB\n", arguments[1], way, piece_bytes, thread_count,
           (cpu_seconds() - before) / ((double)total_bytes / 1e9));
    return 0;
}
