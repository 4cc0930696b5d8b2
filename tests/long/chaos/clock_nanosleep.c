/* Debian 12's libfaketime 0.9.10 lets clock_nanosleep fail (EINVAL) where the monotonic clock is
   not faked, and Python sleeps by it. Loaded before libfaketime, this one asks the kernel. */
#define _GNU_SOURCE
#include <errno.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

int clock_nanosleep(clockid_t clock, int flags, const struct timespec *wanted,
                    struct timespec *left)
{
    return syscall(SYS_clock_nanosleep, clock, flags, wanted, left) ? errno : 0;
}
