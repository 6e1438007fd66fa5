/*
 * The keeper: the one background thread of a process. It is started by the first appointment of a task and ends with the last
 * task. What it does for whom:
 *
 *     audit      writes the reads that were noted, within a second; moves records into the log of the workspace, within ten
 *     client     takes back what a full disk was given of the audit reserve, as soon as there is space
 *
 * After a fork the child has no keeper until it makes a task of its own; tasks of the parent do nothing there.
 */
#ifndef OBS_BASE_KEEPER_H
#define OBS_BASE_KEEPER_H

#include <stdint.h>

#include <obs/error.h>

typedef struct obs__task obs__task;

/* A task does nothing until it has an appointment. run() may take its time, but holds up all other tasks. */
obs_status obs__task_new(obs__task **out, void (*run)(void *user), void *user, obs_error *error);
/* Runs the task once after so many milliseconds; an earlier appointment stays. */
obs_status obs__task_in(obs__task *task, int64_t delay_ms, obs_error *error);
/* Waits until a run that is under way has ended; then it never runs again. Not to be called by a task. NULL is fine. */
void obs__task_free(obs__task *task);

#endif
