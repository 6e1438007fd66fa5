/* Where a workspace lies: the system, the disk, and which files there are, without what is in them. */
#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/sysmacros.h>
#include <sys/utsname.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "obsctl/bundle.h"

#define DEPTH_MOST 10
#define PATHS_MOST 5000

/* Kind and options of the mount that a folder lies on, from /proc/self/mountinfo; what the file system itself was given, which
 * may be a password, is not read. */
static void find_mount(char *kind, char *options, size_t size, const char *folder)
{
    struct stat found;
    char line[4096], wanted[32], where[32], flags[256], type[64];
    FILE *file = stat(folder, &found) == 0 ? fopen("/proc/self/mountinfo", "re") : NULL;
    *kind = *options = '\0';
    snprintf(wanted, sizeof wanted, "%u:%u", major(found.st_dev), minor(found.st_dev));
    while (file && fgets(line, sizeof line, file)) {
        const char *dash = strstr(line, " - ");
        if (dash && sscanf(line, "%*s %*s %31s %*s %*s %255s", where, flags) == 2 && strcmp(where, wanted) == 0 &&
            sscanf(dash, " - %63s", type) == 1) {
            snprintf(kind, size, "%s", type);
            snprintf(options, size, "%s", flags);
        }
    }
    if (file)
        fclose(file);
}

obs_status ctl_bundle_add_system(ctl_bundle *bundle, const char *folder)
{
    struct utsname system;
    struct statvfs disk = {0};
    struct statfs magic = {0};
    char libc[64] = "", kind[256], options[256];
    uname(&system);
#ifdef _CS_GNU_LIBC_VERSION
    confstr(_CS_GNU_LIBC_VERSION, libc, sizeof libc);
#endif
    find_mount(kind, options, sizeof kind, folder);
    (void)!statvfs(folder, &disk);
    (void)!statfs(folder, &magic);
    return ctl_bundle_add_json(
        bundle, "system.json",
        json_pack("{s:s,s:s,s:s,s:s,s:s,s:I,s:I,s:{s:s,s:s,s:I,s:I,s:I,s:I,s:I}}", "libobs", obs_sdk_version_text(), "system",
                  system.sysname, "release", system.release, "machine", system.machine, "libc", libc, "processors",
                  (json_int_t)sysconf(_SC_NPROCESSORS_ONLN), "memory_bytes",
                  (json_int_t)sysconf(_SC_PHYS_PAGES) * (json_int_t)sysconf(_SC_PAGESIZE), "disk", "type", kind, "options",
                  options, "magic", (json_int_t)magic.f_type, "size_bytes", (json_int_t)(disk.f_blocks * disk.f_frsize),
                  "free_bytes", (json_int_t)(disk.f_bavail * disk.f_frsize), "inodes", (json_int_t)disk.f_files, "inodes_free",
                  (json_int_t)disk.f_favail));
}

/* Files of ours. Numbers are names of ours below `tile` only: a key may be one, too. */
static int is_known(const char *name, const char *within)
{
    static const char *const known[] = {
        "obs.yaml",      "config.yaml", "format", "store",      "tenants", "audit",     "tenant.db",     "tenant.db-wal",
        "tenant.db-shm", "lock",        "wake",   "log",        "tile",    "leases",    "lease",         "entries",
        "reserve",       "runs",        "key",    "checkpoint", "anchor",  "functions", "function.yaml", "logs",
        "work",          "failed",      ".obs",   "meta",       "staging", "finished",  "schemas",
    };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (strcmp(known[i], name) == 0)
            return 1;
    return strncmp(within, "audit/log/tile", 14) == 0 && name[strspn(name, "0123456789x.p")] == '\0';
}

/* One line for each file and folder below, as far as there is room. Links are not followed. */
static void list_folder(ctl_bundle *bundle, FILE *out, const char *path, const char *shown, int depth, int *left)
{
    struct dirent **entries = NULL;
    struct stat found;
    int count = scandir(path, &entries, NULL, alphasort);
    for (int i = 0; i < count; i++) {
        const char *name = entries[i]->d_name;
        char *inner = NULL, *inner_shown = NULL;
        int is_self = strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
        if (!is_self && *left > 0 && asprintf(&inner, "%s/%s", path, name) > 0 && lstat(inner, &found) == 0 &&
            asprintf(&inner_shown, "%s%s%s", shown, *shown ? "/" : "",
                     is_known(name, shown) ? name : ctl_bundle_name(bundle, name)) > 0) {
            --*left;
            fprintf(out, "%06o %12lld %12lld %s %s\n", (unsigned)found.st_mode, (long long)found.st_size,
                    (long long)found.st_mtime, found.st_uid == getuid() ? "own  " : "other", inner_shown);
            if (S_ISDIR(found.st_mode) && depth < DEPTH_MOST)
                list_folder(bundle, out, inner, inner_shown, depth + 1, left);
        }
        free(inner);
        free(inner_shown);
        free(entries[i]);
    }
    free(entries);
}

obs_status ctl_bundle_add_layout(ctl_bundle *bundle, const char *folder)
{
    char *text = NULL;
    size_t size;
    int left = PATHS_MOST;
    FILE *out = open_memstream(&text, &size);
    if (!out)
        return ctl_fail_memory(bundle->ctl);
    fputs("mode           size        mtime owner path\n", out);
    list_folder(bundle, out, folder, "", 0, &left);
    if (!left)
        fputs("... there are more\n", out);
    int failed = fclose(out) != 0;
    obs_status status = failed ? ctl_fail_memory(bundle->ctl) : ctl_bundle_add(bundle, "layout.txt", text, size);
    free(text);
    return status;
}
