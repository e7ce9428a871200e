// switch DELAY_MICROSECONDS DEVICE (NAMESPACE_PATH UP_BYTES_PER_SECOND DOWN_BYTES_PER_SECOND)...
//
// A switch with long cables: one TUN device of that name in each network namespace. A packet for the address
// a.b.c.N+1 goes to node N: it leaves at the rate of its node's uplink, travels for the delay, and waits its turn for
// the rate of the other's downlink. Packets of up to 119 bytes, acknowledgements that is, leave a node before those
// that wait, as with the queues that distributions set (fq_codel); on the downlink all wait alike, and 0.3 s at most.
// Says "ready" once all devices are there, and runs until it is killed.
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

enum {
    MOST_NODES = 64,
    QUEUE_LENGTH = 2048,
    PACKET_BYTES = 1504,
    SMALL_PACKET_BYTES = 120,
    ETHERNET_BYTES = 14,
    READS_IN_A_ROW = 64,
};
static const long SECOND = 1000000000L, LONGEST_WAIT = 300000000L, LONGEST_SLEEP = 50000000L;

struct packet {
    long due;
    int length, destination;
    unsigned char bytes[PACKET_BYTES];
};

struct queue {
    struct packet *packets;
    unsigned head, tail;
};

struct node {
    int device;
    double up_rate, down_rate;
    long up_free, down_free;
    struct queue small, large, arriving;
};

static struct node nodes[MOST_NODES];
static int node_count;
static long delay;

static _Noreturn void fail(const char *what) {
    perror(what);
    exit(1);
}

static long now_nanoseconds(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * SECOND + time.tv_nsec;
}

static bool is_empty(const struct queue *queue) { return queue->head == queue->tail; }
static bool is_full(const struct queue *queue) { return queue->tail - queue->head == QUEUE_LENGTH; }
static struct packet *first(const struct queue *queue) { return &queue->packets[queue->head % QUEUE_LENGTH]; }

static struct queue new_queue(void) {
    struct queue queue = {calloc(QUEUE_LENGTH, sizeof(struct packet)), 0, 0};
    if (!queue.packets) fail("calloc");
    return queue;
}

static void push(struct queue *queue, long due, int destination, const unsigned char *bytes, int length) {
    struct packet *packet = &queue->packets[queue->tail++ % QUEUE_LENGTH];
    packet->due = due;
    packet->length = length;
    packet->destination = destination;
    memcpy(packet->bytes, bytes, (size_t)length);
}

static int open_device(const char *name, const char *namespace_path) {
    int namespace = open(namespace_path, O_RDONLY | O_CLOEXEC);
    if (namespace < 0 || setns(namespace, CLONE_NEWNET) != 0) fail(namespace_path);
    close(namespace);
    int device = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
    struct ifreq request = {.ifr_flags = IFF_TUN | IFF_NO_PI};
    snprintf(request.ifr_name, sizeof request.ifr_name, "%s", name);
    if (device < 0 || ioctl(device, TUNSETIFF, &request) != 0) fail("/dev/net/tun");
    return device;
}

static long time_on_wire(int length, double rate) { return (long)((length + ETHERNET_BYTES) / rate * 1e9); }

// What the node has to send gets the times at which it leaves.
static void take(struct node *node, long now) {
    for (int count = 0; count < READS_IN_A_ROW && !is_full(&node->small) && !is_full(&node->large); count++) {
        unsigned char bytes[PACKET_BYTES];
        ssize_t length = read(node->device, bytes, sizeof bytes);
        if (length <= 0) return;
        int destination = length >= 20 && bytes[0] >> 4 == 4 ? bytes[19] - 1 : -1;
        if (destination < 0 || destination >= node_count) continue;
        long wire = time_on_wire((int)length, node->up_rate);
        bool is_small = length < SMALL_PACKET_BYTES;
        node->up_free = (node->up_free > now ? node->up_free : now) + wire;
        long leaves = is_small ? now + wire : node->up_free;
        push(is_small ? &node->small : &node->large, leaves + delay, destination, bytes, (int)length);
    }
}

// The queue whose first packet has arrived longest ago; NULL if none has.
static struct queue *earliest(long now) {
    struct queue *best = NULL;
    for (int index = 0; index < 2 * node_count; index++) {
        struct queue *queue = index % 2 ? &nodes[index / 2].small : &nodes[index / 2].large;
        if (is_empty(queue) || first(queue)->due > now) continue;
        if (!best || first(queue)->due < first(best)->due) best = queue;
    }
    return best;
}

// Packets that have come to the switch stand in line for their downlinks in the order in which they came.
static void forward(long now) {
    for (struct queue *queue; (queue = earliest(now)); queue->head++) {
        struct packet *packet = first(queue);
        struct node *node = &nodes[packet->destination];
        long start = node->down_free > packet->due ? node->down_free : packet->due;
        if (start - packet->due > LONGEST_WAIT || is_full(&node->arriving)) continue;
        node->down_free = start + time_on_wire(packet->length, node->down_rate);
        push(&node->arriving, node->down_free, packet->destination, packet->bytes, packet->length);
    }
}

static void deliver(struct node *node, long now) {
    for (; !is_empty(&node->arriving) && first(&node->arriving)->due <= now; node->arriving.head++) {
        struct packet *packet = first(&node->arriving);
        // A device that is full drops it, as a network card would.
        if (write(node->device, packet->bytes, (size_t)packet->length) < 0) continue;
    }
}

static long next_due(const struct node *node, long limit) {
    const struct queue *queues[] = {&node->small, &node->large, &node->arriving};
    for (int index = 0; index < 3; index++) {
        if (!is_empty(queues[index]) && first(queues[index])->due < limit) limit = first(queues[index])->due;
    }
    return limit;
}

static void turn(void) {
    struct pollfd wanted[MOST_NODES];
    long now = now_nanoseconds(), next = now + LONGEST_SLEEP;
    for (int index = 0; index < node_count; index++) take(&nodes[index], now);
    forward(now);
    for (int index = 0; index < node_count; index++) {
        deliver(&nodes[index], now);
        next = next_due(&nodes[index], next);
        wanted[index] = (struct pollfd){.fd = nodes[index].device, .events = POLLIN};
    }
    long rest = next - now_nanoseconds();
    struct timespec sleep = {0, rest > 0 ? rest : 0};
    ppoll(wanted, (nfds_t)node_count, &sleep, NULL);
}

int main(int count, char **words) {
    if (count < 6 || count % 3 != 0 || (count - 3) / 3 > MOST_NODES) {
        fprintf(stderr, "switch DELAY_MICROSECONDS DEVICE (NAMESPACE_PATH UP DOWN)..., at most %d nodes\n", MOST_NODES);
        return 64;
    }
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    delay = atol(words[1]) * 1000;
    for (node_count = 0; 3 + 3 * node_count < count; node_count++) {
        char **own = &words[3 + 3 * node_count];
        nodes[node_count] = (struct node){
            .device = open_device(words[2], own[0]), .up_rate = atof(own[1]), .down_rate = atof(own[2]),
            .small = new_queue(), .large = new_queue(), .arriving = new_queue()};
    }
    puts("ready");
    fflush(stdout);
    while (true) turn();
}
