/* A program of somebody else: built, as C and as C++, against an installed libobs. */
#include <obs/obs.h>

#include <stdio.h>
#include <string.h>

int main(void)
{
    obs_error error;
    obs_error_init(&error, sizeof error);
    if (obs_sdk_version() != OBS_SDK_VERSION_NUMBER || strcmp(obs_status_name(OBS_NOT_FOUND), "NOT_FOUND") != 0) {
        fprintf(stderr, "header and library are not of one version\n");
        return 1;
    }
    printf("libobs %s\n", obs_sdk_version_text());
    return 0;
}
