/* Ctrl-C in calls that wait: SIGINT sets a cancel token, but only while the main thread is in such a call. */

%{
#include <pthread.h>
#include <signal.h>

static obs_cancel *interrupt;
static unsigned long main_thread;
static struct sigaction python_handler;

static void on_interrupt(int number, siginfo_t *info, void *context)
{
    obs_cancel_set(interrupt);
    if (python_handler.sa_flags & SA_SIGINFO)
        python_handler.sa_sigaction(number, info, context);
    else
        python_handler.sa_handler(number);
}

/* Asked before anything is changed: a signal may come between. */
static int watch_begin(void)
{
    struct sigaction ours = {.sa_sigaction = on_interrupt};
    if (!interrupt || (unsigned long)pthread_self() != main_thread || sigaction(SIGINT, NULL, &python_handler) != 0 ||
        python_handler.sa_handler == SIG_DFL || python_handler.sa_handler == SIG_IGN)
        return 0;
    obs_cancel_reset(interrupt);
    ours.sa_mask = python_handler.sa_mask;
    ours.sa_flags = python_handler.sa_flags | SA_SIGINFO;
    return sigaction(SIGINT, &ours, NULL) == 0;
}

/* Whether to call again: the signal was for a handler that raised nothing. Otherwise its exception is set. */
static int watch_end(int watched, obs_status status)
{
    if (watched)
        sigaction(SIGINT, &python_handler, NULL);
    return watched && status == OBS_CANCELLED && obs_cancel_is_set(interrupt) && PyErr_CheckSignals() == 0;
}

/* The token for calls of the main thread, whose identity is given; anew in the child of a fork. */
static PyObject *watch_interrupts(unsigned long thread)
{
    main_thread = thread;
    interrupt = NULL; /* one that was there belongs to the parent */
    if (obs_cancel_new(&interrupt, NULL) != OBS_OK)
        return PyErr_NoMemory();
    return handle_new(interrupt, SWIGTYPE_p_obs_cancel, NULL, NULL);
}
%}
%nothread watch_interrupts;
PyObject *watch_interrupts(unsigned long thread);

%define WAITS(name)
%exception name {
    int watched;
    do {
        watched = watch_begin();
        $action
    } while (watch_end(watched, result));
}
%enddef

/* What was begun cannot be done again. */
%define WAITS_ONCE(name)
%exception name {
    int watched = watch_begin();
    $action
    watch_end(watched, result);
}
%enddef

WAITS(obs_client_open)
WAITS(obs_client_as)
WAITS(obs_client_health)
WAITS(obs_client_metrics)
WAITS(obs_client_store_open)
WAITS(obs_workspace_init_with)
WAITS(obs_workspace_check)
WAITS(obs_tenant_create_with)
WAITS(obs_tenant_modify)
WAITS(obs_tenant_suspend)
WAITS(obs_tenant_resume)
WAITS(obs_tenant_export)
WAITS(obs_tenant_delete)
WAITS(obs_tenant_show)
WAITS(obs_store_put)
WAITS(obs_store_delete)
WAITS(obs_store_copy)
WAITS(obs_store_adopt)
WAITS(obs_writer_open)
WAITS_ONCE(obs_writer_commit)
WAITS(obs_catalog_search)
WAITS(obs_catalog_usage)
WAITS(obs_catalog_lineage)
WAITS(obs_catalog_label)
WAITS(obs_audit_query)
WAITS(obs_ingest_definition)
WAITS(obs_ingest_definitions)
WAITS(obs_ingest_record)
WAITS(obs_ingest_records)
WAITS(obs_ingest_file)
WAITS(obs_ingest_refuse)
WAITS(obs_ingest_log)
WAITS(obs_ingest_stats)
WAITS_ONCE(obs_unit_commit)
WAITS(obs_bus_publish)
WAITS(obs_bus_subscribe)
WAITS(obs_bus_consumers)
WAITS(obs_bus_pause)
WAITS(obs_bus_resume)
WAITS(obs_bus_remove)
WAITS(obs_bus_dead_letters)
WAITS(obs_bus_replay)
WAITS(obs_bus_discard)
