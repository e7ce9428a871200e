#define _GNU_SOURCE
#include "floor.h"

#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

typedef struct {
    double user_seconds, system_seconds;
    long peak_kib;
} Cost;

static const struct {
    const char *name;
    SendMode mode;
} send_modes[] = {
    {"sendfile-flat", {SENDFILE, true}},       {"sendfile-chunks", {SENDFILE, false}},
    {"copy-flat", {COPY, true}},               {"copy-chunks", {COPY, false}},
    {"ring-open-chunks", {RING_OPEN, false}},  {"ring-read-flat", {RING_READ, true}},
    {"ring-read-chunks", {RING_READ, false}},  {"ring-zc-flat", {RING_ZERO_COPY, true}},
    {"ring-zc-chunks", {RING_ZERO_COPY, false}}, {"ring-splice-flat", {RING_SPLICE, true}},
    {"ring-splice-chunks", {RING_SPLICE, false}},
};

static const struct {
    const char *name;
    ReceiveMode mode;
} receive_modes[] = {
    {"recv-drop", {STORE_NOTHING, HASH_NOTHING, false, false}},
    {"recv-sha256-drop", {STORE_NOTHING, HASH_ONE, false, false}},
    {"recv-pair-drop", {STORE_NOTHING, HASH_PAIR, false, false}},
    {"recv-pwrite", {STORE_FLAT, HASH_NOTHING, false, false}},
    {"recv-sha256-pwrite", {STORE_FLAT, HASH_ONE, false, false}},
    {"recv-sha256-pwrite-fallocated", {STORE_FLAT, HASH_ONE, true, false}},
    {"recv-sha256-pwrite-direct", {STORE_FLAT, HASH_ONE, true, true}},
    {"recv-pair-pwrite", {STORE_FLAT, HASH_PAIR, false, false}},
    {"recv-sha256-ring-write", {STORE_RING, HASH_ONE, false, false}},
    {"recv-pair-ring-write", {STORE_RING, HASH_PAIR, false, false}},
    {"recv-sha256-mapped", {STORE_MAPPED, HASH_ONE, false, false}},
    {"splice", {STORE_SPLICED, HASH_NOTHING, false, false}},
    {"recv-sha256-files", {STORE_FILES, HASH_ONE, false, false}},
    {"recv-pair-files", {STORE_FILES, HASH_PAIR, false, false}},
};

enum { CLIENTS_MOST = 256 };

typedef struct {
    size_t repeat, sender, receiver, clients;
    bool check, cold;
} Plan;

void fail(const char *call) {
    perror(call);
    exit(1);
}

void stop(const char *message) {
    fprintf(stderr, "%s\n", message);
    exit(1);
}

static double now_seconds(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

// A child that outlived the parent could wait for its other end for ever.
static pid_t fork_child(void) {
    pid_t parent = getpid(), child = fork();
    if (child < 0) fail("fork");
    if (child > 0) return child;
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0) fail("prctl");
    if (getppid() != parent) exit(1);
    return 0;
}

static Cost cost_of(pid_t child) {
    int status;
    struct rusage usage;
    while (wait4(child, &status, 0, &usage) < 0)
        if (errno != EINTR) fail("wait4");
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) stop("a child failed");
    return (Cost){
        .user_seconds = (double)usage.ru_utime.tv_sec + (double)usage.ru_utime.tv_usec * 1e-6,
        .system_seconds = (double)usage.ru_stime.tv_sec + (double)usage.ru_stime.tv_usec * 1e-6,
        .peak_kib = usage.ru_maxrss,
    };
}

static int listen_on_loopback(struct sockaddr_in *address) {
    socklen_t length = sizeof *address;
    *address = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (listener < 0) fail("socket");
    if (bind(listener, (struct sockaddr *)address, length) < 0) fail("bind");
    if (getsockname(listener, (struct sockaddr *)address, &length) < 0) fail("getsockname");
    if (listen(listener, CLIENTS_MOST) < 0) fail("listen");
    return listener;
}

static pid_t start_sender(const Job *job, SendMode mode, int listener) {
    pid_t child = fork_child();
    if (child > 0) return child;
    int connection = accept4(listener, NULL, NULL, SOCK_CLOEXEC), one = 1;
    if (connection < 0) fail("accept4");
    if (setsockopt(connection, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one) < 0) fail("setsockopt");
    if (mode.way >= RING_OPEN) send_all_by_ring(job, mode, connection);
    else send_all(job, mode, connection);
    if (shutdown(connection, SHUT_WR) < 0) fail("shutdown");
    _exit(0);
}

static pid_t start_receiver(const Job *job, ReceiveMode mode, struct sockaddr_in address, uint8_t *digests) {
    pid_t child = fork_child();
    if (child > 0) return child;
    int connection = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (connection < 0) fail("socket");
    if (connect(connection, (struct sockaddr *)&address, sizeof address) < 0) fail("connect");
    receive_all(job, mode, connection, digests);
    _exit(0);
}

static void add(Cost *sum, Cost cost) {
    sum->user_seconds += cost.user_seconds;
    sum->system_seconds += cost.system_seconds;
    if (cost.peak_kib > sum->peak_kib) sum->peak_kib = cost.peak_kib;
}

// Text for people goes to stderr, one JSON line a run to stdout. All clients together; the peak is the largest.
static void report(const Job *job, const Plan *plan, double wall, Cost s, Cost r) {
    const char *sender = send_modes[plan->sender].name, *receiver = receive_modes[plan->receiver].name;
    double gigabytes = (double)job->total_bytes * (double)plan->clients / 1e9;
    double send_cost = (s.user_seconds + s.system_seconds) / gigabytes;
    double receive_cost = (r.user_seconds + r.system_seconds) / gigabytes;
    fprintf(stderr, "%-18s %-29s %5.2f GB/s  CPU-s/GB: sender %.3f, receiver %.3f  peak KiB: %ld, %ld\n", sender,
            receiver, gigabytes / wall, send_cost, receive_cost, s.peak_kib, r.peak_kib);
    printf("{\"sender\":\"%s\",\"receiver\":\"%s\",\"totalBytes\":%zu,\"chunkBytes\":%zu,\"clients\":%zu,"
           "\"isCold\":%s,\"wallSeconds\":%.6f,"
           "\"senderUserSeconds\":%.6f,\"senderSystemSeconds\":%.6f,\"senderPeakKiB\":%ld,"
           "\"receiverUserSeconds\":%.6f,\"receiverSystemSeconds\":%.6f,\"receiverPeakKiB\":%ld}\n",
           sender, receiver, job->total_bytes, job->chunk_bytes, plan->clients, plan->cold ? "true" : "false", wall,
           s.user_seconds, s.system_seconds, s.peak_kib, r.user_seconds, r.system_seconds, r.peak_kib);
    fflush(stdout);
}

// Nothing of the source is in memory afterwards. Needs root.
static void drop_caches(void) {
    sync();
    FILE *file = fopen("/proc/sys/vm/drop_caches", "w");
    if (!file || fputs("3", file) < 0 || fclose(file) != 0) fail("/proc/sys/vm/drop_caches");
}

static void run(const Job *job, const Plan *plan) {
    ReceiveMode mode = receive_modes[plan->receiver].mode;
    uint8_t *digests = mmap(NULL, job->chunk_count * DIGEST_BYTES, PROT_READ | PROT_WRITE,
                            MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (digests == MAP_FAILED) fail("mmap");
    remove_output(job);
    if (mode.store == STORE_FILES) make_chunk_folders(job, "output");
    if (plan->cold) drop_caches();

    struct sockaddr_in address;
    int listener = listen_on_loopback(&address);
    pid_t sending[CLIENTS_MOST], receiving[CLIENTS_MOST];
    Cost sent = {0}, received = {0};
    double start = now_seconds();
    for (size_t i = 0; i < plan->clients; i++) {
        sending[i] = start_sender(job, send_modes[plan->sender].mode, listener);
        receiving[i] = start_receiver(job, mode, address, digests);
    }
    close(listener);
    for (size_t i = 0; i < plan->clients; i++) add(&received, cost_of(receiving[i]));
    double wall = now_seconds() - start;
    for (size_t i = 0; i < plan->clients; i++) add(&sent, cost_of(sending[i]));
    report(job, plan, wall, sent, received);

    if (plan->check) check_output(job, mode, digests);
    remove_output(job);
    munmap(digests, job->chunk_count * DIGEST_BYTES);
}

static _Noreturn void usage(const char *program) {
    fprintf(stderr, "usage: %s [--folder F] [--total BYTES] [--chunk BYTES] [--repeat N] [--batch CHUNKS]\n"
            "             [--clients N] [--cold] [--check] SENDER RECEIVER\n", program);
    for (size_t i = 0; i < sizeof send_modes / sizeof *send_modes; i++) fprintf(stderr, "  %s", send_modes[i].name);
    fprintf(stderr, "\n");
    for (size_t i = 0; i < sizeof receive_modes / sizeof *receive_modes; i++)
        fprintf(stderr, "  %s", receive_modes[i].name);
    fprintf(stderr, "\n");
    exit(64);
}

static size_t number(const char *text, size_t limit, const char *program) {
    char *end;
    errno = 0;
    unsigned long long value = strtoull(text, &end, 10);
    if (errno != 0 || *end != 0 || *text == '-' || value == 0 || value > limit) usage(program);
    return (size_t)value;
}

int main(int count, char **arguments) {
    static const struct option options[] = {
        {"folder", 1, NULL, 'f'}, {"total", 1, NULL, 't'}, {"chunk", 1, NULL, 'c'}, {"repeat", 1, NULL, 'r'},
        {"batch", 1, NULL, 'b'}, {"clients", 1, NULL, 'n'}, {"cold", 0, NULL, 'd'}, {"check", 0, NULL, 'k'},
        {NULL, 0, NULL, 0}};
    Job job = {.folder = "/tmp/millrace-floors", .total_bytes = 1024000000, .chunk_bytes = 102400, .ring_batch = 8};
    Plan plan = {.repeat = 5, .clients = 1};
    for (int option; (option = getopt_long(count, arguments, "", options, NULL)) != -1;) {
        if (option == 'f') job.folder = optarg;
        else if (option == 't') job.total_bytes = number(optarg, (size_t)1 << 42, arguments[0]);
        else if (option == 'c') job.chunk_bytes = number(optarg, (size_t)1 << 24, arguments[0]);
        else if (option == 'r') plan.repeat = number(optarg, 1000, arguments[0]);
        else if (option == 'b') job.ring_batch = number(optarg, RING_BATCH_MOST, arguments[0]);
        else if (option == 'n') plan.clients = number(optarg, CLIENTS_MOST, arguments[0]);
        else if (option == 'd') plan.cold = true;
        else if (option == 'k') plan.check = true;
        else usage(arguments[0]);
    }
    if (count - optind != 2) usage(arguments[0]);
    size_t send_count = sizeof send_modes / sizeof *send_modes;
    size_t receive_count = sizeof receive_modes / sizeof *receive_modes;
    while (plan.sender < send_count && strcmp(arguments[optind], send_modes[plan.sender].name) != 0) plan.sender++;
    while (plan.receiver < receive_count && strcmp(arguments[optind + 1], receive_modes[plan.receiver].name) != 0)
        plan.receiver++;
    if (plan.sender == send_count || plan.receiver == receive_count) usage(arguments[0]);
    if (plan.clients > 1 && receive_modes[plan.receiver].mode.store != STORE_NOTHING) stop("clients share one output");

    job.chunk_count = (job.total_bytes + job.chunk_bytes - 1) / job.chunk_bytes;
    make_source(&job);
    for (size_t round = 0; round < plan.repeat; round++) run(&job, &plan);
    return 0;
}
