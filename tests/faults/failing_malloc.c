/* The shared object behind failing_malloc.h; glibc only, whose allocator can be called under its other names. */
#include <errno.h>
#include <stdatomic.h>
#include <stddef.h>

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *memory, size_t size);
void *__libc_memalign(size_t alignment, size_t size);
void __libc_free(void *memory);

void failing_malloc_arm(long nth, int and_all_after);
int failing_malloc_disarm(void);
long failing_malloc_live(void);

#define EXPORT __attribute__((visibility("default")))

static _Thread_local long left; /* 0: not armed */
static _Thread_local int all_after;
static _Thread_local int failed;
static atomic_long live;

EXPORT void failing_malloc_arm(long nth, int and_all_after)
{
    failed = 0;
    all_after = and_all_after;
    left = nth;
}

EXPORT int failing_malloc_disarm(void)
{
    left = 0;
    return failed;
}

EXPORT long failing_malloc_live(void)
{
    return atomic_load(&live);
}

static int must_fail(void)
{
    if (left == 0 || (left > 1 && left--))
        return 0;
    failed = 1;
    if (!all_after)
        left = 0;
    errno = ENOMEM;
    return 1;
}

static void *count(void *memory)
{
    if (memory)
        atomic_fetch_add(&live, 1);
    return memory;
}

EXPORT void *malloc(size_t size)
{
    return must_fail() ? NULL : count(__libc_malloc(size));
}

EXPORT void *calloc(size_t number, size_t size)
{
    return must_fail() ? NULL : count(__libc_calloc(number, size));
}

EXPORT void *realloc(void *memory, size_t size)
{
    if (must_fail())
        return NULL;
    void *moved = __libc_realloc(memory, size);
    if (!memory && moved)
        atomic_fetch_add(&live, 1);
    else if (memory && !size && !moved)
        atomic_fetch_sub(&live, 1);
    return moved;
}

EXPORT void *memalign(size_t alignment, size_t size)
{
    return must_fail() ? NULL : count(__libc_memalign(alignment, size));
}

EXPORT void *aligned_alloc(size_t alignment, size_t size)
{
    return must_fail() ? NULL : count(__libc_memalign(alignment, size));
}

EXPORT int posix_memalign(void **out, size_t alignment, size_t size)
{
    void *memory = must_fail() ? NULL : count(__libc_memalign(alignment, size));
    if (!memory)
        return ENOMEM;
    *out = memory;
    return 0;
}

EXPORT void free(void *memory)
{
    if (memory)
        atomic_fetch_sub(&live, 1);
    __libc_free(memory);
}
