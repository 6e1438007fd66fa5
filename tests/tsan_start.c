/*
 * The ThreadSanitizer of gcc 12 makes room for a thread's signals in its first blocking call; a signal that comes during that
 * one is lost (its handler never runs). With this in the library of that build, the first such call is before any handler.
 */
#include <poll.h>
#include <stddef.h>

__attribute__((constructor)) static void block_once(void)
{
    poll(NULL, 0, 0);
}
