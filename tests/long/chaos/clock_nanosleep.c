/* With libfaketime 0.9.10 of Debian 12, clock_nanosleep fails (EINVAL) if the monotonic clock is not
   faked; Python's time.sleep uses that function. This library is loaded before libfaketime and calls
   the kernel directly. */
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
