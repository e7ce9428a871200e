// measured REPORT_DESCRIPTOR NAMESPACE_PATH COMMAND [ARGUMENT...]
//
// Runs a command in a process group of its own, in a network namespace if the path is not "-", and reports
//     started PID SECONDS
//     ended SECONDS STATUS USER_SECONDS SYSTEM_SECONDS PEAK_KIB
// with monotonic times and, by wait4, the cost of the command and of all its descendants.
// A script that starts commands itself could not measure their memory: exec keeps the peak of the process it replaces.
// The command does not outlive this program, nor this program the one that started it.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static volatile pid_t command;

static _Noreturn void fail(const char *call) {
    perror(call);
    exit(125);
}

static double now_seconds(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

static double seconds(struct timeval time) { return (double)time.tv_sec + (double)time.tv_usec * 1e-6; }

static void end_command(int signal_number) {
    (void)signal_number;
    if (command > 0) kill(-command, SIGKILL);
}

static void enter_namespace(const char *path) {
    int descriptor = open(path, O_RDONLY | O_CLOEXEC);
    if (descriptor < 0) fail(path);
    if (setns(descriptor, CLONE_NEWNET) < 0) fail("setns");
    close(descriptor);
}

static void become(char **arguments, sigset_t mask) {
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0) fail("prctl");
    setpgid(0, 0);
    sigprocmask(SIG_SETMASK, &mask, NULL);
    signal(SIGTERM, SIG_DFL);
    execvp(arguments[0], arguments);
    perror(arguments[0]);
    _exit(127);
}

// Reaps the command and whatever it left behind; orphans come here because this is a subreaper.
static void wait_and_report(int report) {
    double user = 0, system = 0, ended = 0;
    long peak_kib = 0;
    int status = 0, command_status = 0;
    struct rusage usage;
    for (;;) {
        pid_t child = wait4(-1, &status, 0, &usage);
        if (child < 0 && errno == EINTR) continue;
        if (child < 0) break;
        user += seconds(usage.ru_utime);
        system += seconds(usage.ru_stime);
        if (usage.ru_maxrss > peak_kib) peak_kib = usage.ru_maxrss;
        if (child == command) {
            ended = now_seconds();
            command_status = WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
            kill(-command, SIGKILL);
        }
    }
    dprintf(report, "ended %.6f %d %.6f %.6f %ld\n", ended, command_status, user, system, peak_kib);
}

int main(int count, char **arguments) {
    if (count < 4) {
        fprintf(stderr, "usage: %s REPORT_DESCRIPTOR NAMESPACE_PATH COMMAND [ARGUMENT...]\n", arguments[0]);
        return 64;
    }
    int report = atoi(arguments[1]);
    if (fcntl(report, F_SETFD, FD_CLOEXEC) < 0) fail("report descriptor");
    if (strcmp(arguments[2], "-") != 0) enter_namespace(arguments[2]);
    if (prctl(PR_SET_CHILD_SUBREAPER, 1) < 0 || prctl(PR_SET_PDEATHSIG, SIGTERM) < 0) fail("prctl");

    // Held back until there is a command to end.
    sigset_t termination, previous;
    sigemptyset(&termination);
    sigaddset(&termination, SIGTERM);
    sigprocmask(SIG_BLOCK, &termination, &previous);
    signal(SIGTERM, end_command);

    double started = now_seconds();
    pid_t child = fork();
    if (child < 0) fail("fork");
    if (child == 0) become(arguments + 3, previous);
    setpgid(child, child);
    command = child;
    sigprocmask(SIG_SETMASK, &previous, NULL);
    dprintf(report, "started %d %.6f\n", child, started);
    wait_and_report(report);
    return 0;
}
