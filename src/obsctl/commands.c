/* The table of all commands. Parser, help, man pages and completion are made from it. */
#include "obsctl/ctl.h"

const ctl_option ctl_common[] = {
    {"workspace", 'w', "DIR", "the workspace; else OBS_WORKSPACE, else searched upwards from here"},
    {"tenant", 't', "TENANT", "the tenant; else OBS_TENANT, else 'default'"},
    {"json", 0, NULL, "one JSON object a line, errors included"},
    {"timeout", 0, "SECONDS", "how long a call may take (30; 0: no limit)"},
    {"quiet", 'q', NULL, "no progress"},
    {"help", 'h', NULL, "help on the command"},
    {NULL, 0, NULL, NULL},
};

#define END                                                                                                                    \
    {                                                                                                                          \
        NULL, 0, NULL, NULL                                                                                                    \
    }

static const ctl_option none[] = {END};

static const ctl_option put_options[] = {
    {"label", 'l', "NAME=VALUE", "a label, searchable; may be given again"},
    {"meta", 'm', "NAME=VALUE", "user metadata; may be given again"},
    {"value", 'v', "NAME=VALUE", "a value, searchable as number or text; may be given again"},
    {"from", 0, "KEY", "a key it was made from; may be given again"},
    {"type", 0, "MEDIATYPE", "media type, as in image/fits"},
    {"if-match", 0, "ETAG", "only if the object has this entity tag"},
    {"if-none-match", 0, "*", "only if there is no such object yet"},
    {"no-index", 0, NULL, "do not look into it for values of FITS, miniSEED, METAR and MPC files"},
    END,
};

static const ctl_option get_options[] = {
    {"range", 0, "FIRST-LAST", "only these bytes, counted from 0; '100-' to the end"},
    {"force", 'f', NULL, "replace FILE when it exists"},
    END,
};

static const ctl_option ls_options[] = {
    {"recursive", 'r', NULL, "all keys below, not grouped by '/'"},
    {"long", 'l', NULL, "with size and time"},
    {"site", 0, "NAME", "only what a relay brought from this site"},
    {"limit", 'n', "NUMBER", "at most so many"},
    END,
};

static const ctl_option change_options[] = {
    {"if-match", 0, "ETAG", "only if the object (of a copy: the target) has this entity tag"},
    {"if-none-match", 0, "*", "of a copy: only if there is no target yet"},
    END,
};

static const ctl_option search_options[] = {
    {"limit", 'n', "NUMBER", "at most so many"},
    {"after", 0, "POSITION", "go on after this place"},
    {"keys", 'k', NULL, "print the keys only"},
    {"cone", 0, "RA,DEC,RADIUS", "on the sky: degrees, or as in 13h29m,+47d12m,0.5d and 13:29:52,+47:11:43,30m"},
    {"site", 0, "NAME", "only what a relay brought from this site"},
    {"time", 0, "FROM/TO", "observed in that time; one end may be missing, a date alone is that day"},
    END,
};

static const ctl_option lineage_options[] = {
    {"up", 0, NULL, "what it was made from (the default)"},
    {"down", 0, NULL, "what was made from it"},
    {"depth", 0, "NUMBER", "at most so many steps (a tree: 20; else no limit)"},
    {"limit", 'n', "NUMBER", "at most so many entries (100000)"},
    {"dot", 0, NULL, "as a graph in the DOT language, for Graphviz"},
    END,
};

static const ctl_option graph_options[] = {
    {"output", 'o', "FILE", "write SVG to FILE ('-': standard output)"},
    {"format", 0, "FORMAT", "svg or text; without it SVG with -o, else in the terminal"},
    {"force", 'f', NULL, "replace FILE when it exists"},
    {"width", 0, "NUMBER", "of SVG in pixels (800), else in characters (the terminal's)"},
    {"height", 0, "NUMBER", "of SVG in pixels (500), else in lines (20)"},
    {"title", 0, "TEXT", "what stands over the picture"},
    {"x", 0, "NAME", "the value along the horizontal axis; the time of observation by default"},
    {"y", 0, "NAME", "the value along the vertical axis; may be given again"},
    {"by", 0, "NAME", "a colour for each of what this value or label is; band or filter by default"},
    {"points", 0, NULL, "of a series: points that are not joined by lines"},
    {"cone", 0, "RA,DEC,RADIUS", "only from this part of the sky, as in 'obsctl search'; also what a sky shows"},
    {"time", 0, "FROM/TO", "only what was observed in that time"},
    END,
};

static const ctl_option doctor_options[] = {
    {"bundle", 0, "FILE", "write an archive for support (tar; '-': standard output); FILE must not exist"},
    END,
};

static const ctl_option top_options[] = {
    {"once", 0, NULL, "look once; so it is where standard output is no terminal"},
    {"interval", 0, "SECONDS", "how often it looks (1)"},
    {"window", 0, "SECONDS", "over how long rates are taken (10)"},
    END,
};

static const ctl_option errors_options[] = {
    {"since", 0, "TIME", "from this time on, or for so long: 90s, 15m, 1h (the default), 2d"},
    END,
};

static const ctl_option publish_options[] = {
    {"subject", 's', "TEXT", "what the event is about, often a key"},
    {"data", 'd', "TEXT", "the data; JSON unless --type says otherwise"},
    {"file", 'f', "FILE", "the data from a file ('-': standard input)"},
    {"type", 0, "MEDIATYPE", "media type of the data (application/json)"},
    {"id", 0, "TEXT", "the id; a new UUID by default"},
    {"source", 0, "URI", "the source; /obs/<tenant> by default"},
    {"key", 'k', "TEXT", "events with one partition key stay in order; the subject by default"},
    {"priority", 0, "NUMBER", "1: before ordinary events that wait; -1: behind them"},
    {"extension", 'e', "NAME=VALUE", "an extension attribute; may be given again"},
    {"event", 0, "FILE", "a whole event, or an array of them, in the JSON format of CloudEvents ('-': standard input)"},
    END,
};

static const ctl_option subscribe_options[] = {
    {"type", 0, "TYPE", "only events of this type; a final '*' means any ending"},
    {"subject", 's', "PREFIX", "only events whose subject begins so"},
    {"filter", 0, "EXPRESSION", "only events for which this is true (CloudEvents SQL): source LIKE '%/roof' AND EXISTS site"},
    {"from-now", 0, NULL, "a new consumer begins with what comes from now on"},
    {"count", 'n', "NUMBER", "end after so many events"},
    {"wait", 0, "SECONDS", "end when nothing came for so long (default: wait for ever)"},
    {"peek", 0, NULL, "do not acknowledge: they come again next time"},
    {"exclusive", 0, NULL, "only if nobody else subscribes to this consumer; else its events are shared"},
    END,
};

static const ctl_option dead_options[] = {
    {"all", 0, NULL, "all dead letters of the consumer"},
    END,
};

static const ctl_option journal_options[] = {
    {"destinations", 'd', NULL, "the destinations of obs.yaml in place of the consumers: state, last error, next try"},
    END,
};

static const ctl_option run_options[] = {
    {"once", 0, NULL, "what is due now, then end"},
    END,
};

static const ctl_option pause_options[] = {
    {"for", 0, "SECONDS", "go on by itself after so long"},
    {"reason", 0, "TEXT", "why, for those who look"},
    END,
};

static const ctl_option ingest_options[] = {
    {"definition", 'd', "DEFINITION", "records of this data definition; without it files go in whole, as objects"},
    {"format", 0, "FORMAT", "ndjson, json (an array) or csv; by the file's ending by default"},
    {"prefix", 'p', "PREFIX", "where files go in the store (raw/)"},
    {"label", 'l', "NAME=VALUE", "a label of each entry; may be given again"},
    {"member", 0, "NAME", "of a JSON document: the records are the array in this member, as in 'features'"},
    {"strict", 0, NULL, "exit code 1 when something was refused"},
    {"no-index", 0, NULL, "do not look into files for values of FITS, miniSEED, METAR and MPC files"},
    END,
};

static const ctl_option log_options[] = {
    {"table", 0, "NAME", "only this data definition, or 'objects'"},
    {"result", 0, "RESULT", "only 'accepted' or 'refused'"},
    {"site", 0, "NAME", "only what a relay brought from this site"},
    {"limit", 'n', "NUMBER", "at most so many"},
    {"after", 0, "POSITION", "go on after this place"},
    END,
};

static const ctl_option relay_options[] = {
    {"once", 0, NULL, "until all is there (the default)"},
    {"follow", 'f', NULL, "then wait for more, until it is stopped; what cannot go now is tried again"},
    {"limit", 0, "RATE", "at most so many bytes of objects a second, as in 1MiB/s"},
    {"conflict", 0, "HOW", "other bytes under the same key: 'refuse' (the default), or 'keep' both, as sites/SITE/KEY"},
    {"site", 0, "NAME", "what FROM is called, instead of the site in its obs.yaml"},
    {"to-tenant", 0, "TENANT", "the tenant at TO, when it has another name there"},
    END,
};

static const ctl_option audit_options[] = {
    {"by", 'b', "SUBJECT", "only by this subject, as in user:ada"},
    {"object", 'o', "NAME", "only about this object; a final '*' means any ending"},
    {"action", 0, "ACTION", "only this action, as in store.put or store.*"},
    {"trace", 0, "ID", "only this trace"},
    {"since", 0, "TIME", "from this time on (RFC 3339 or a date)"},
    {"until", 0, "TIME", "before this time"},
    {"limit", 'n', "NUMBER", "at most so many"},
    {"after", 0, "POSITION", "go on after this place"},
    END,
};

static const ctl_option audit_verify_options[] = {
    {"unanchored", 0, NULL, "fine without an anchor outside: an end that was cut off is then not seen"},
    {"checkpoint", 'c', "FILE", "a checkpoint that was kept elsewhere, as an anchor"},
    {"key", 'k', "KEY", "the log's verifier key; else this machine's own copy"},
    END,
};

static const ctl_option erase_options[] = {
    {"subject", 's', "SUBJECT", "whom, as in user:ada"},
    END,
};

static const ctl_option prove_options[] = {
    {"clear", 0, NULL, "with the clear values of its personal fields; else with the commitments only"},
    END,
};

static const ctl_option proof_options[] = {
    {"key", 'k', "KEY", "the log's verifier key, as 'obsctl audit key' prints it"},
    END,
};

static const ctl_option set_options[] = {
    {"layer", 0, "URL", "the layer as obs.yaml names it; else the highest one that can be written"},
    {"if-match", 0, "ETAG", "only if the document still has this entity tag (config explain --json tells it)"},
    {"dry-run", 'n', NULL, "check only"},
    END,
};

static const ctl_option sign_options[] = {
    {"key", 0, NULL, "print the key in place of the document"},
    END,
};

static const ctl_option watch_options[] = {
    {"count", 'n', "NUMBER", "end after so many, the first included"},
    END,
};

static const ctl_option reproduce_options[] = {
    {"present-code", 0, NULL, "with the code that is there now, although it is not that which made the product"},
    END,
};

static const ctl_option function_run_options[] = {
    {"once", 0, NULL, "end when no event waits, but those that are to come again later"},
    END,
};

static const ctl_option function_new_options[] = {
    {"python", 0, NULL, "in Python"},
    {"c", 0, NULL, "in C"},
    {"go", 0, NULL, "in Go"},
    END,
};

static const ctl_option function_logs_options[] = {
    {"trace", 0, "ID", "only of this trace, or of the event with this id"},
    END,
};

static const ctl_option check_options[] = {
    {"repair", 0, NULL, "roll forward what is pending and remove what nothing refers to"},
    END,
};

static const ctl_option init_options[] = {
    {"shared", 0, NULL, "for several users of this system: each tenant belongs to a Unix group"},
    {"account", 0, "USER", "shared: who owns the workspace and its keys (default: you; another one needs root)"},
    {"group", 0, "GROUP", "shared: the Unix group of the tenant 'default' (default: the account's own)"},
    END,
};

static const ctl_option tenant_options[] = {
    {"group", 0, "GROUP", "in a shared workspace: its Unix group (default: the one of the tenant's name)"},
    END,
};

static const ctl_option modify_options[] = {
    {"bytes", 0, "NUMBER", "at most so many bytes of objects and records, as in 10G ('none': no limit)"},
    {"objects", 0, "NUMBER", "at most so many objects"},
    {"entries", 0, "NUMBER", "at most so many catalog entries: objects and records"},
    {"events-per-day", 0, "NUMBER", "at most so many events in a day (UTC), those about ingestion included"},
    {"events-per-minute", 0, "NUMBER", "a bucket of so many events, which fills evenly within a minute"},
    END,
};

static const ctl_option suspend_options[] = {
    {"reason", 0, "TEXT", "why, for those who are refused"},
    {"reads", 0, NULL, "refuse reads, too"},
    END,
};

static const ctl_option delete_options[] = {
    {"yes", 0, "TENANT", "the name once more: it cannot be taken back"},
    {"reason", 0, "TEXT", "why, for those who look"},
    END,
};

static const ctl_option stats_options[] = {
    {"by", 0, "NAMES", "a line for each: of tenant, table, reason and hour or day, with commas (tenant,reason,hour)"},
    {"since", 0, "TIME", "from this time on (RFC 3339 or a date)"},
    {"until", 0, "TIME", "before this time"},
    END,
};

static const ctl_option du_options[] = {
    {"depth", 0, "NUMBER", "so many levels of folders (1)"},
    END,
};

static const ctl_option login_options[] = {
    {"token-file", 0, "FILE", "the token's file ('-', and by default: standard input)"},
    END,
};

static const ctl_option revoke_options[] = {
    {"subject", 's', "SUBJECT", "whose tokens end, as in function:photometry"},
    END,
};

static const ctl_option issue_options[] = {
    {"subject", 's', "SUBJECT", "whose, as in function:photometry (default: your own)"},
    {"scope", 0, "SCOPES", "what it allows, as in 'storage.read:/raw storage.create:/products' (default: all that you may)"},
    {"lifetime", 0, "SECONDS", "how long it holds (3600; at most 86400)"},
    {"audience", 0, "NAME", "for another service than this workspace"},
    END,
};

static const ctl_option verify_options[] = {
    {"algorithms", 0, "NAMES", "which signatures are taken ('EdDSA ES256', those of a workspace)"},
    {"issuer", 0, "NAME", "who must have issued it (default: this workspace)"},
    {"audience", 0, "NAME", "whom it must be for (default: this workspace)"},
    {"keys", 0, "FILE", "the issuer's JSON Web Key Set (default: this workspace's)"},
    END,
};

const ctl_command ctl_commands[] = {
    {"init", "DIR", "make a workspace",
     "Makes DIR with obs.yaml, format, store/, tenants/default/ and audit/. It is usable at once, from every language. With "
     "--shared the members of a tenant's Unix group read and write it, and the system keeps all others out. Members name the "
     "account as trusted once, in ~/.config/obs/trusted (or root does it for all, in /etc/obs/trusted): the line to write is "
     "printed. Nobody needs one for a workspace of root.",
     "obsctl init /srv/night --shared --account observatory --group weather", 1, 1, init_options, ctl_run_init},
    {"put", "FILE KEY", "write an object",
     "FILE '-' is standard input. The object is durable when the command ends; until then nobody sees any of it.",
     "obsctl put ccd-0421.fits raw/2026-11-20/ccd-0421.fits --label night=2026-11-20", 2, 2, put_options, ctl_run_put},
    {"get", "KEY [FILE]", "read an object",
     "Writes to FILE, which appears whole or not at all, or to standard output. Bytes that do not match their checksum end it "
     "with exit code 7.",
     "obsctl get raw/2026-11-20/ccd-0421.fits /tmp/frame.fits", 1, 2, get_options, ctl_run_get},
    {"ls", "[PREFIX]", "list objects",
     "Lists the keys that begin with PREFIX; what lies deeper than the next '/' is shown as one line that ends with '/'.",
     "obsctl ls -l raw/", 0, 1, ls_options, ctl_run_ls},
    {"du", "[PREFIX]", "show how much there is, folder by folder",
     "As the catalog knows and quotas count it: objects, also those whose bytes are still in the journal, and records. The "
     "last "
     "line is the whole.",
     "obsctl du raw/ --depth 2", 0, 1, du_options, ctl_run_du},
    {"stat", "KEY", "show what is known about an object",
     "Size, time, entity tag (for --if-match), media type, SHA-256, labels and metadata.", "obsctl stat raw/a.fits", 1, 1, none,
     ctl_run_stat},
    {"rm", "KEY...", "delete objects",
     "Below a prefix that obs.yaml calls immutable (raw/ at first) nothing can be deleted. All keys are tried; a failure is "
     "told and the others are still deleted.",
     "obsctl rm tmp/a.fits", 1, -1, change_options, ctl_run_rm},
    {"cp", "FROM TO", "copy an object within the store", "The copy has the labels and metadata of the object.",
     "obsctl cp a.fits b.fits", 2, 2, change_options, ctl_run_cp},
    {"adopt", "KEY...", "take over bytes as another tool left them",
     "Makes checksums, a catalog entry and an audit record for files that were changed or added outside of libobs.",
     "obsctl adopt raw/a.fits", 1, -1, none, ctl_run_adopt},
    {"labels", "KEY [NAME=VALUE...]", "show or change the labels of an object or record", "NAME= removes a label.",
     "obsctl labels raw/a.fits checked=yes", 1, -1, none, ctl_run_labels},
    {"search", "[CONDITION...]", "search the catalog",
     "All conditions must hold. night=2026-11-20 and filter!=B compare labels and values, mag<18 and mag>=17 are ranges; "
     "--cone and --time are the conditions cone= and during=. key=raw/2026* (a final '*' means any ending), type=image/fits, "
     "kind=object or kind=record, size>1000000 and "
     "time>=2026-11-20 ask for what every entry has; other words are looked for in key, labels and texts. Quote '<' and '>' "
     "for the shell.",
     "obsctl search night=2026-11-20 'mag<18'", 0, -1, search_options, ctl_run_search},
    {"lineage", "KEY", "show what something was made from, or what was made from it",
     "As a tree, in which each entry stands once with what lies beyond it. It says where something has changed since it was "
     "used, and '...' where more follows beyond --depth or --limit.",
     "obsctl lineage products/0421.json --depth 3", 1, 1, lineage_options, ctl_run_lineage},
    {"why", "KEY", "say what differs from the last time something was made",
     "Compares what it was made from, its labels and its values with the time before, and what it was made from with what "
     "lies there now.",
     "obsctl why products/0421.json", 1, 1, none, ctl_run_why},
    {"reproduce", "KEY", "make a product of a function again, and compare",
     "Runs the function that made it for the same event, without any effect, and says whether the bytes are identical or what "
     "differs: code, configuration (which settings), inputs, and where the bytes begin to differ, of JSON which member. Ends "
     "with 0 when they are identical, with 1 when they differ, and with 6 when it cannot be reproduced: the function has other "
     "code, its event or an input is not there any more, or it fails.",
     "obsctl reproduce products/0421.json", 1, 1, reproduce_options, ctl_run_reproduce},
    {"graph", "light-curve|sky|series|seismogram|lineage|ingest [KEY|CONDITION...]", "draw a picture",
     "light-curve (magnitudes), sky (positions), series (any values over time or over another value), seismogram KEY (the "
     "samples of a miniSEED object), lineage KEY (what an entry was made from, and what was made from it) or ingest (accepted "
     "and refused by hour). What is drawn is chosen as by 'obsctl search'. In the terminal dots of braille, or characters "
     "where it has no Unicode; with -o SVG, for all but a lineage by gnuplot (the package gnuplot-nox). With --json the points "
     "themselves, all of them. Of too many points those are left out that nobody could see, and the picture says so.",
     "obsctl graph light-curve object=12893 -o 12893.svg", 1, -1, graph_options, ctl_run_graph},
    {"ingest", "FILE...", "take in files, or the records in them",
     "With --definition each line, array element or CSV row is a record that must fit the data definition; without it each "
     "FILE becomes an object. Records that are refused are counted and kept in the ingestion log with the reason, and are no "
     "failure of the command unless --strict is given. JSON lines from standard input ('-') are taken as they come.",
     "obsctl ingest --definition usgs.earthquake earthquakes.json", 1, -1, ingest_options, ctl_run_ingest},
    {"ingest log", "", "show what was accepted and refused, and why", "Each tenant has a log of its own, oldest line first.",
     "obsctl ingest log --tenant weather --json", 0, 0, log_options, ctl_run_ingest_log},
    {"ingest stats", "", "count what was accepted and refused",
     "Bytes are those of what was accepted; the rate is in items a second. By tenant the owner of the workspace counts all "
     "tenants.",
     "obsctl ingest stats --by reason,hour --since 2026-11-20", 0, 0, stats_options, ctl_run_ingest_stats},
    {"ingest define", "NAME FILE", "store a data definition (JSON Schema)",
     "FILE holds a JSON Schema 2020-12. A new version must accept what the one before did.",
     "obsctl ingest define usgs.earthquake earthquake.schema.json", 2, 2, none, ctl_run_ingest_define},
    {"ingest definitions", "", "list the data definitions of the tenant", NULL, NULL, 0, 0, none, ctl_run_ingest_definitions},
    {"publish", "[TYPE]", "publish an event",
     "The event is durable when the command ends; its id is printed. Of the events of one file all are published or none.",
     "obsctl publish org.example.frame.stored --subject raw/a.fits --data '{\"mag\":17.3}'", 0, 1, publish_options,
     ctl_run_publish},
    {"subscribe", "CONSUMER", "print events as they come, one JSON object a line",
     "The position is kept under the consumer's name. An event is acknowledged after it was printed.",
     "obsctl subscribe watcher --type 'org.example.*'", 1, 1, subscribe_options, ctl_run_subscribe},
    {"relay", "FROM TO", "carry what one workspace has to another, as from an edge site",
     "Events go with the objects and records that they are about, in the order of their keys, and what changed in the catalog "
     "without one; refused lines of the ingestion log follow. It can be stopped or killed at any point and goes on where it "
     "was. "
     "The obs.yaml of FROM says what it is called at TO, as in 'site: roof'; 'obsctl search --site roof' finds what came from "
     "there. What is different at TO is never overwritten: exit code 6.",
     "obsctl relay /srv/roof /srv/observatory --follow --limit 1MiB/s", 2, 2, relay_options, ctl_run_relay},
    {"journal ls", "", "show the consumers of events, and what waits for them",
     "BEHIND counts what lies above a consumer's position, wanted or not; OLDEST is the time of the first of these.", NULL, 0,
     0, journal_options, ctl_run_journal_ls},
    {"journal run", "[DESTINATION]", "deliver events to the destinations of obs.yaml",
     "Until it is ended, or with --once what is due now; then the number of delivered events is printed. Each destination is "
     "served by one process at a time; another one stands by.",
     "obsctl journal run --once", 0, 1, run_options, ctl_run_journal_run},
    {"journal dead", "[CONSUMER]", "show dead letters: events that could not be done", "With --json each with its event.", NULL,
     0, 1, none, ctl_run_journal_dead},
    {"journal replay", "CONSUMER [SEQUENCE]", "let dead letters come again", NULL, "obsctl journal replay photometry --all", 1,
     2, dead_options, ctl_run_journal_replay},
    {"journal discard", "CONSUMER [SEQUENCE]", "give dead letters up", "The events themselves stay on the bus.", NULL, 1, 2,
     dead_options, ctl_run_journal_discard},
    {"journal pause", "CONSUMER", "hand out no events to a consumer", NULL,
     "obsctl journal pause photometry --for 600 --reason 'disk is exchanged'", 1, 1, pause_options, ctl_run_journal_pause},
    {"journal resume", "CONSUMER", "go on with a paused consumer", NULL, NULL, 1, 1, none, ctl_run_journal_resume},
    {"journal rm", "CONSUMER", "remove a consumer, with its position and its dead letters", NULL, NULL, 1, 1, none,
     ctl_run_journal_rm},
    {"function new", "NAME", "write a function that works, with its test",
     "Makes functions/NAME in the workspace: function.yaml says which events it is for and what it may do, the handler is to "
     "be changed, and './test' tries it on event.json.",
     "obsctl function new quick-look --python", 1, 1, function_new_options, ctl_run_function_new},
    {"function run", "[NAME...]", "run functions for the events that come",
     "All of the workspace, or those named, until a signal ends it. Each worker is a process that is kept warm; what a "
     "function "
     "made and the acknowledgement of the event are one commit. Any number of these commands may run at the same time.",
     "obsctl function run quick-look --once", 0, -1, function_run_options, ctl_run_function_run},
    {"function list", "", "list the functions of the workspace", NULL, NULL, 0, 0, none, ctl_run_function_list},
    {"function logs", "NAME", "show what a function printed, and why its events failed", NULL,
     "obsctl function logs quick-look --trace 4bf92f3577b34da6a3ce929d0e0e4736", 1, 1, function_logs_options,
     ctl_run_function_logs},
    {"function replay", "EVENT [NAME]", "run functions again for an event, without any effect",
     "EVENT is the id of one that is on the bus. Shows what would be made now, and whether it is there with the same bytes.",
     "obsctl function replay 0198c0de-0000-7000-8000-000000000001 quick-look", 1, 2, none, ctl_run_function_replay},
    {"config get", "[SETTING]", "show a value of the configuration",
     "Without SETTING all of it. Secrets are shown by name only.", "obsctl config get ccd.gain", 0, 1, none,
     ctl_run_config_get},
    {"config set", "SETTING VALUE", "change a value where it is kept, for every process",
     "VALUE is written as in YAML. What would result is checked against the schema first; of two who write at the same time "
     "one is refused.",
     "obsctl config set ccd.gain 1.7", 2, 2, set_options, ctl_run_config_set},
    {"config unset", "SETTING", "remove a value", "A lower layer's value, or the default, counts again.",
     "obsctl config unset ccd.gain", 1, 1, set_options, ctl_run_config_unset},
    {"config explain", "[SETTING]", "show where values come from",
     "The layer, and the line of the document; with --json also what it overrides.", "obsctl config explain ccd", 0, 1, none,
     ctl_run_config_explain},
    {"config sources", "", "show how the sources of the configuration are",
     "Exit code 0 also when one is not well: 'obsctl doctor' says so.", NULL, 0, 0, none, ctl_run_config_sources},
    {"config validate", "FILE", "check a document against the schema", "Nothing is taken over.",
     "obsctl config validate config.yaml", 1, 1, none, ctl_run_config_validate},
    {"config watch", "[SETTING]", "print a value now and whenever the configuration changes", NULL, "obsctl config watch ccd",
     0, 1, watch_options, ctl_run_config_watch},
    {"config sign", "FILE", "sign a document",
     "Prints the signed document. Who takes it names the key in obs.yaml, as in {url: 'https://...', key: '...'}. The document "
     "needs "
     "a member 'version', an integer that may never go back.",
     "obsctl config sign site.yaml > signed.yaml", 1, 1, sign_options, ctl_run_config_sign},
    {"audit query", "", "ask who did what", "Oldest first. The question is itself recorded.",
     "obsctl audit query --by user:ada --since 2026-11-20", 0, 0, audit_options, ctl_run_audit_query},
    {"audit verify", "", "verify every record, hash and signature of the audit log",
     "Says up to which record and by which anchor. Exit code 7 for any alteration, with the first bad record, and without an "
     "outside anchor unless --unanchored is given.",
     "obsctl audit verify --checkpoint kept-elsewhere.txt", 0, 0, audit_verify_options, ctl_run_audit_verify},
    {"audit prove", "ID", "print a proof that a record stands in the log",
     "Anybody checks it offline with 'obsctl audit check-proof' (C2SP tlog-proof). ID is that of 'obsctl audit query --json'.",
     "obsctl audit prove 0198c0de-0000-7000-8000-000000000001 > record.tlog-proof", 1, 1, prove_options, ctl_run_audit_prove},
    {"audit check-proof", "FILE", "check the proof of an audit record",
     "Needs no workspace and no network, only the log's key. Exit code 7 when it does not hold.",
     "obsctl audit check-proof record.tlog-proof --key \"$KEY\"", 1, 1, proof_options, ctl_run_audit_check_proof},
    {"audit checkpoint", "", "bring the audit log up to date, and print its signed checkpoint",
     "Whoever keeps it somewhere else has an anchor: see 'obsctl audit verify --checkpoint'.",
     "obsctl audit checkpoint > kept-elsewhere.txt", 0, 0, none, ctl_run_audit_checkpoint},
    {"audit erase", "", "erase a person from the audit trail of every tenant",
     "Removes the clear values and salts of a subject, and what was recorded with them. The log stays as it is, and every "
     "proof "
     "still holds. For an auditor or the owner; recorded without the name.",
     "obsctl audit erase --subject user:ada", 0, 0, erase_options, ctl_run_audit_erase},
    {"audit seal", "", "seal the records that are older than the policy keeps",
     "Compresses them, and removes what searches and names them ('obsctl audit policy retention_days=400' says from when on). "
     "They "
     "stay in the log, are verified with it, and can be proved. For an auditor or the owner; recorded.",
     "obsctl audit seal", 0, 0, none, ctl_run_audit_seal},
    {"audit policy", "[NAME=VALUE...]", "show or change what happens when audit records cannot be written",
     "For change, refusal, login, grant, read and config: fail-closed (no call without its record) or fail-open (the call goes "
     "on, and the loss is counted). retention_days says what 'obsctl audit seal' seals. Only an auditor or the owner changes "
     "it; "
     "that is recorded with what was before.",
     "obsctl audit policy read=fail-closed", 0, -1, none, ctl_run_audit_policy},
    {"audit key", "", "print the key that verifies the audit log", NULL, NULL, 0, 0, none, ctl_run_audit_key},
    {"tenant create", "NAME", "make a tenant",
     "In a shared workspace only the account and root can, and --group names the Unix group whose members it is for.",
     "obsctl tenant create weather", 1, 1, tenant_options, ctl_run_tenant_create},
    {"tenant show", "[TENANT]", "list the tenants and what they have", NULL, NULL, 0, 1, none, ctl_run_tenant_show},
    {"tenant modify", "TENANT", "set the quotas of a tenant",
     "K, M, G and T stand for 1024 and its powers; 'none' removes a quota. What would exceed one is refused whole, in its "
     "commit; "
     "what only frees space always passes. 'obsctl tenant show --json' tells what is used.",
     "obsctl tenant modify weather --bytes 10G --events-per-minute 6000", 1, 1, modify_options, ctl_run_tenant_modify},
    {"tenant suspend", "TENANT", "refuse all changes to a tenant's data, for all processes",
     "Who is refused is told since when, by whom and why. Reading goes on unless --reads is given; nothing is lost.",
     "obsctl tenant suspend weather --reason 'the disk is exchanged'", 1, 1, suspend_options, ctl_run_tenant_suspend},
    {"tenant resume", "TENANT", "end the suspension of a tenant", NULL, "obsctl tenant resume weather", 1, 1, none,
     ctl_run_tenant_resume},
    {"tenant export", "TENANT DIR", "write all that a tenant has into a new folder",
     "Objects as files, what is known about them, catalog, records, data definitions, ingestion log, events and audit trail as "
     "JSON lines, and manifest.json with a SHA-256 of each file. DIR appears when all of it is there.",
     "obsctl tenant export weather /backup/weather", 2, 2, none, ctl_run_tenant_export},
    {"tenant delete", "TENANT", "delete a tenant and all that it has, for ever",
     "Asks for the name again. Its audit trail stays, with every proof, and so does its name, which no other tenant gets. One "
     "that was interrupted goes on when it is called again.",
     "obsctl tenant delete weather --yes weather", 1, 1, delete_options, ctl_run_tenant_delete},
    {"workspace check", "", "check every object, row and checksum",
     "Exit code 7 when a problem was found. Nothing is changed without --repair.", NULL, 0, 0, check_options, ctl_run_check},
    {"metrics", "", "print the workspace in numbers (OpenMetrics text)",
     "For every tenant that you may see: objects, events, consumers, the audit trail, sizes; and the disk. It is cheap: a "
     "scraper may ask every few seconds. docs/observing.md explains each number.",
     "obsctl metrics > /var/lib/node_exporter/night.prom", 0, 0, none, ctl_run_metrics},
    {"top", "", "watch who does what at the moment",
     "Calls by tenant and action, from the audit trails, and consumers with what lies before them; of every tenant that you "
     "may see, or of the one that --tenant names. With --json one object for each look.",
     "obsctl top --interval 2", 0, 0, top_options, ctl_run_top},
    {"errors", "", "show what was refused or failed lately, and what to do about it",
     "From the audit trail and the ingestion log of the tenant, by action and reason, the most frequent first, each with the "
     "trace of the last one.",
     "obsctl errors --since 15m", 0, 0, errors_options, ctl_run_errors},
    {"doctor", "", "say what is well and what is not",
     "Exit code 1 when a part is not well. With --bundle it writes an archive for support, also of a workspace that cannot be "
     "opened: versions, disk, layout of the workspace, settings, health, metrics, what failed lately, consumers and the state "
     "of the audit log; manifest.json says what is in it and what was left out. There is no secret and no data in it, and "
     "numbers stand for all names: --json says which.",
     "obsctl doctor --bundle night.tar", 0, 0, doctor_options, ctl_run_doctor},
    {"whoami", "", "say who the caller is, and in which workspace",
     "With a token also what it allows, how long it holds and where it was found; never the token itself.", NULL, 0, 0, none,
     ctl_run_whoami},
    {"login", "", "keep a token for every later command and program",
     "It is checked first, and kept for you and this workspace alone, in a file that nobody else can read, until 'obsctl "
     "logout'. "
     "Tokens are read from standard input, a file or the environment (BEARER_TOKEN, BEARER_TOKEN_FILE), and never from the "
     "command "
     "line, where every user of the system could see them: there is no option --token.",
     "obsctl login --token-file ada.token", 0, 0, login_options, ctl_run_login},
    {"logout", "", "forget the token that login kept", NULL, NULL, 0, 0, none, ctl_run_logout},
    {"token issue", "", "issue a token of this workspace",
     "For the tenant that --tenant names, and never for more than you may do yourself. It is printed on standard output: "
     "whoever "
     "has it can use it until it ends, so keep it in a file of mode 600 (umask 077). The audit trail has its id.",
     "obsctl token issue --subject function:photometry --scope 'storage.read:/raw' --lifetime 600 >photometry.token", 0, 0,
     issue_options, ctl_run_token_issue},
    {"token verify", "[FILE]", "check a token and print its claims",
     "From FILE or standard input. Exit code 4 for one that does not hold.", "obsctl token verify photometry.token", 0, 1,
     verify_options, ctl_run_token_verify},
    {"token keys", "", "print the public keys of the workspace (JSON Web Key Set)", NULL, NULL, 0, 0, none, ctl_run_token_keys},
    {"token rotate", "", "make a new signing key", "Tokens that were issued before hold until they end.", NULL, 0, 0, none,
     ctl_run_token_rotate},
    {"token revoke", "[ID]", "end a token before its time, or all tokens of a subject",
     "Programs that act with one are refused within a second. The id of a token is in the audit trail (token.issue) and in "
     "what "
     "'obsctl token verify' prints (jti). What is issued to the subject afterwards holds.",
     "obsctl token revoke --subject function:photometry", 0, 1, revoke_options, ctl_run_token_revoke},
    {"completion", "bash|zsh|fish", "print the completion script of a shell",
     "Commands, options, keys, tenants and data definitions are completed. Packages install the scripts.",
     "source <(obsctl completion bash)", 1, 1, none, ctl_run_completion},
    {"man", "[COMMAND...]", "print a manual page (roff)", NULL, "obsctl man audit query | man -l -", 0, 2, none, ctl_run_man},
    {"help", "[COMMAND...]", "help on a command", NULL, NULL, 0, 2, none, ctl_run_help},
    {"version", "", "print the version", NULL, NULL, 0, 0, none, ctl_run_version},
    {"__complete", "[WORD...]", NULL, NULL, NULL, 0, -1, none, ctl_run_complete},
    {"__files", "DIR", NULL, NULL, NULL, 1, 1, none, ctl_run_files},
    {NULL, NULL, NULL, NULL, NULL, 0, 0, NULL, NULL},
};
