/* What kind of place an IP address is. */
#ifndef OBS_NET_ADDRESS_H
#define OBS_NET_ADDRESS_H

/* Of an address as text, without brackets; 0 for what is none. */
int obs__address_is_loopback(const char *text);
/* Whether it is one of the public internet, and not of this machine, a local network, a documentation or test range, or of
 * several (RFC 6890 and the registries of IANA). Addresses that hold an IPv4 address are judged by that. */
int obs__address_is_public(const char *text);

#endif
