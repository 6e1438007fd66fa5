/* A name whose address changes: `rebind.example` is what the variable OBS_REBIND says.
 * What is sent to 9.9.9.9 arrives here, too, so that such a connection is as good as one to the internet. */
#include <arpa/inet.h>
#include <dlfcn.h>
#include <netdb.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

static const char public_address[] = "9.9.9.9";
static atomic_char is_public[4096]; /* by descriptor */

int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints, struct addrinfo **out)
{
    static int (*next)(const char *, const char *, const struct addrinfo *, struct addrinfo **);
    if (!next)
        *(void **)&next = dlsym(RTLD_NEXT, "getaddrinfo");
    if (node && strcmp(node, "rebind.example") == 0)
        node = getenv("OBS_REBIND");
    return next(node, service, hints, out);
}

int connect(int fd, const struct sockaddr *address, socklen_t size)
{
    static int (*next)(int, const struct sockaddr *, socklen_t);
    struct sockaddr_in v4;
    if (!next)
        *(void **)&next = dlsym(RTLD_NEXT, "connect");
    if (address->sa_family != AF_INET || size < sizeof v4)
        return next(fd, address, size);
    memcpy(&v4, address, sizeof v4);
    is_public[fd % 4096] = v4.sin_addr.s_addr == inet_addr(public_address);
    if (!is_public[fd % 4096])
        return next(fd, address, size);
    v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return next(fd, (const struct sockaddr *)&v4, sizeof v4);
}

/* Who connected to 9.9.9.9 sees that. */
int getpeername(int fd, struct sockaddr *restrict address, socklen_t *restrict size)
{
    static int (*next)(int, struct sockaddr *, socklen_t *);
    if (!next)
        *(void **)&next = dlsym(RTLD_NEXT, "getpeername");
    int result = next(fd, address, size);
    if (result == 0 && address->sa_family == AF_INET && is_public[fd % 4096])
        ((struct sockaddr_in *)(void *)address)->sin_addr.s_addr = inet_addr(public_address);
    return result;
}
