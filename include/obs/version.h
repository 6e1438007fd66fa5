/**
 * @file version.h
 * The version of the library, at compile time and at run time.
 * @defgroup version Version
 * @{
 */
#ifndef OBS_SDK_VERSION_H
#define OBS_SDK_VERSION_H

/** Marks what the shared library exports. */
#if defined(__GNUC__)
#define OBS_API __attribute__((visibility("default")))
#else
#define OBS_API
#endif

#define OBS_SDK_VERSION_MAJOR 0 /**< Changes with a break. */
#define OBS_SDK_VERSION_MINOR 1 /**< Changes with an addition. */
#define OBS_SDK_VERSION_PATCH 0 /**< Changes with a correction. */
/** The version as one number: major * 1,000,000 + minor * 1,000 + patch. */
#define OBS_SDK_VERSION_NUMBER 1000

#ifdef __cplusplus
extern "C" {
#endif

/**
 * The version of the library that is running, as ::OBS_SDK_VERSION_NUMBER.
 * @return major * 1,000,000 + minor * 1,000 + patch
 */
OBS_API unsigned obs_sdk_version(void);

/**
 * The version as text, as in `0.1.0`.
 * @return a constant text
 */
OBS_API const char *obs_sdk_version_text(void);

#ifdef __cplusplus
}
#endif

/** @} */
#endif
