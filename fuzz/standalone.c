/* Runs a fuzz target on the files, and the files of the folders, that are named on the command line: the corpus as a test. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int run_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    uint8_t *data = NULL;
    size_t size = 0;
    if (!file)
        return 0;
    for (size_t more = 1; more; size += more) {
        uint8_t *larger = realloc(data, size + 4096);
        if (!larger)
            abort();
        data = larger;
        more = fread(data + size, 1, 4096, file);
    }
    fclose(file);
    uint8_t *exact = malloc(size ? size : 1); /* so that a sanitizer sees the first byte beyond */
    if (!exact)
        abort();
    for (size_t i = 0; i < size; i++)
        exact[i] = data[i];
    LLVMFuzzerTestOneInput(exact, size);
    free(exact);
    free(data);
    return 1;
}

static int run_folder(const char *path)
{
    struct dirent **entries = NULL;
    int done = 0;
    int count = scandir(path, &entries, NULL, alphasort);
    for (int i = 0; i < count; i++) {
        char name[4096];
        struct stat status;
        snprintf(name, sizeof name, "%s/%s", path, entries[i]->d_name);
        if (stat(name, &status) == 0 && S_ISREG(status.st_mode))
            done += run_file(name);
        free(entries[i]);
    }
    free(entries);
    return done;
}

int main(int count, char **paths)
{
    int done = 0;
    for (int i = 1; i < count; i++) {
        struct stat status;
        if (stat(paths[i], &status) == 0)
            done += S_ISDIR(status.st_mode) ? run_folder(paths[i]) : run_file(paths[i]);
    }
    printf("%d inputs\n", done);
    return done ? 0 : 1;
}
