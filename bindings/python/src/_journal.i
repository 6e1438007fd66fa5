/* journal.h, relay.h: what leaves the workspace. The runs are made by a thread of their own where signals matter: obs._call. */

%{
/* (call, destination, once) */
static int journal_of(obs_journal_options *options, obs_call *call, PyObject *tuple)
{
    obs_journal_options_init(options, sizeof *options);
    return inner_call(&options->call, call, tuple) != 0 || text_of(&options->destination, ITEM(1)) != 0 ||
           flag_of(&options->once, ITEM(2)) != 0 ? -1 : 0;
}

/* (call, site, keep both, bytes a second, wait in milliseconds, slice in milliseconds) */
static int relay_of(obs_relay_options *options, obs_call *call, PyObject *tuple)
{
    int32_t keep_both;
    obs_relay_options_init(options, sizeof *options);
    if (inner_call(&options->call, call, tuple) != 0 || text_of(&options->site, ITEM(1)) != 0 ||
        flag_of(&keep_both, ITEM(2)) != 0 || size_of(&options->limit, ITEM(3)) != 0)
        return -1;
    options->conflict = keep_both ? OBS_RELAY_KEEP_BOTH : OBS_RELAY_REFUSE;
    options->wait_ms = PyLong_AsLongLong(ITEM(4));
    options->slice_ms = PyLong_AsLongLong(ITEM(5));
    return PyErr_Occurred() ? -1 : 0;
}

static PyObject *relayed(const obs_relay_counts *counts)
{
    const uint64_t all[] = {counts->events, counts->objects, counts->records, counts->entries, counts->bytes,
                            counts->lines,  counts->conflicts, counts->dead,  counts->more,    counts->audit};
    Py_ssize_t count = sizeof all / sizeof all[0];
    PyObject *tuple = PyTuple_New(count);
    for (Py_ssize_t i = 0; tuple && i < count; i++) {
        PyObject *number = PyLong_FromUnsignedLongLong(all[i]);
        if (!number || PyTuple_SetItem(tuple, i, number) != 0)
            Py_CLEAR(tuple);
    }
    return tuple;
}
%}

OPTIONS(obs_journal_options, journal_of)
OPTIONS(obs_relay_options, relay_of)

%apply uint64_t *out { uint64_t *delivered };
%apply obs_client *client { obs_client *source, obs_client *target };
/* The counts are there also when the run failed, as what obs_audit_verify() found. */
%typemap(in, numinputs=0) obs_relay_counts *counts (obs_relay_counts local) {
    memset(&local, 0, sizeof local);
    local.size = sizeof local;
    $1 = &local;
}
%typemap(argout) obs_relay_counts *counts "$result = append($result, relayed($1));"

WAITS(obs_journal_list)

obs_status obs_journal_run(uint64_t *delivered, obs_client *client, const obs_journal_options *options, obs_error *error);
obs_status obs_journal_list(obs_rows **out, obs_client *client, const obs_call *call, obs_error *error);
obs_status obs_relay_run(obs_relay_counts *counts, obs_client *source, obs_client *target, const obs_relay_options *options,
                         obs_error *answer);
