#include <obs/version.h>

#define TEXT_OF(x) #x
#define TEXT(x) TEXT_OF(x)

unsigned obs_sdk_version(void)
{
    return OBS_SDK_VERSION_NUMBER;
}

const char *obs_sdk_version_text(void)
{
    return TEXT(OBS_SDK_VERSION_MAJOR) "." TEXT(OBS_SDK_VERSION_MINOR) "." TEXT(OBS_SDK_VERSION_PATCH);
}
