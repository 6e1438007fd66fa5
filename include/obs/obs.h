/**
 * @file obs.h
 * All of libobs. Including the single headers instead gives a clear error when the compiler flags
 * (`pkg-config --cflags obs`) were forgotten on a machine that has OBS Studio's headers.
 */
#ifndef OBS_SDK_H
#define OBS_SDK_H

#include <obs/audit.h>
#include <obs/buffer.h>
#include <obs/call.h>
#include <obs/catalog.h>
#include <obs/client.h>
#include <obs/config.h>
#include <obs/error.h>
#include <obs/event.h>
#include <obs/function.h>
#include <obs/ingest.h>
#include <obs/journal.h>
#include <obs/log.h>
#include <obs/queue.h>
#include <obs/relay.h>
#include <obs/secret.h>
#include <obs/store.h>
#include <obs/token.h>
#include <obs/unit.h>
#include <obs/version.h>
#include <obs/workspace.h>

#endif
