// Refuses calls on files as a file system does that has a quota, is read-only, or is full. For LD_PRELOAD.
//
// The file that REFUSED names says what is refused: "CALLS ERRNO PASSED PART". CALLS has a letter for each kind: `w` to
// write, `o` to open for reading, `c` to open for writing. PASSED is how many calls pass before the first is refused, and
// PART is text in the path of the file, which counts as ending in `$`. While there is no such file, every call passes.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

static atomic_int passed;

// The own calls must not come back here.
static int next_open(const char *path, int flags, int mode) {
    int (*next)(const char *, int, ...) = dlsym(RTLD_NEXT, "open");
    return next(path, flags, mode);
}

static int is_refused(char call, const char *path) {
    char said[4096] = {0}, wanted[16], part[2048], whole[4096];
    int code, first, control = next_open(getenv("REFUSED"), O_RDONLY | O_CLOEXEC, 0);
    if (control < 0) {
        passed = 0;
        return 0;
    }
    ssize_t length = read(control, said, sizeof said - 1);
    close(control);
    if (length <= 0 || sscanf(said, "%15s %d %d %2047s", wanted, &code, &first, part) != 4) return 0;
    snprintf(whole, sizeof whole, "%s$", path);
    if (!strchr(wanted, call) || !strstr(whole, part) || passed++ < first) return 0;
    errno = code;
    return 1;
}

static int is_write_refused(int file) {
    char link[64], path[4000] = {0};
    int before = errno;
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    if (readlink(link, path, sizeof path - 1) > 0 && is_refused('w', path)) return 1;
    errno = before;
    return 0;
}

ssize_t write(int file, const void *content, size_t length) {
    ssize_t (*next)(int, const void *, size_t) = dlsym(RTLD_NEXT, "write");
    return is_write_refused(file) ? -1 : next(file, content, length);
}

ssize_t pwrite(int file, const void *content, size_t length, off_t at) {
    ssize_t (*next)(int, const void *, size_t, off_t) = dlsym(RTLD_NEXT, "pwrite");
    return is_write_refused(file) ? -1 : next(file, content, length, at);
}

ssize_t pwrite64(int file, const void *content, size_t length, off64_t at) {
    ssize_t (*next)(int, const void *, size_t, off64_t) = dlsym(RTLD_NEXT, "pwrite64");
    return is_write_refused(file) ? -1 : next(file, content, length, at);
}

static int opened(const char *path, int flags, va_list more) {
    int mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(more, int) : 0;
    char call = (flags & O_ACCMODE) == O_RDONLY ? 'o' : 'c';
    return is_refused(call, path) ? -1 : next_open(path, flags, mode);
}

int open(const char *path, int flags, ...) {
    va_list more;
    va_start(more, flags);
    int file = opened(path, flags, more);
    va_end(more);
    return file;
}

int open64(const char *path, int flags, ...) {
    va_list more;
    va_start(more, flags);
    int file = opened(path, flags | O_LARGEFILE, more);
    va_end(more);
    return file;
}
