"""age.py WORKSPACE STATE DAYS: makes all audit records of a workspace that nobody has open so many days older, and lets its log
begin anew: what was in it says another time. STATE is the folder that $XDG_STATE_HOME names."""

import datetime
import pathlib
import re
import shutil
import sqlite3
import sys

DAY = 86400 * 10**9


def older(leaf, days):
    def shift(found):
        return b'"time":"' + str(datetime.date.fromisoformat(found[1].decode()) - datetime.timedelta(days)).encode()

    return re.sub(rb'"time":"(\d{4}-\d\d-\d\d)', shift, leaf, count=1)


def age(workspace, state, days):
    for path in pathlib.Path(workspace).glob("tenants/*/tenant.db"):
        database = sqlite3.connect(path)
        with database:
            for seq, time, leaf in database.execute("SELECT seq, time, leaf FROM audit_leaf").fetchall():
                database.execute("UPDATE audit_leaf SET time = ?, leaf = ? WHERE seq = ?", (time - days * DAY, older(leaf, days), seq))
        database.close()
    for path in [pathlib.Path(workspace) / "audit" / name for name in ("log", "runs", "sealed")]:
        shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
    for path in pathlib.Path(state).glob("obs/*/audit"):
        shutil.rmtree(path)


if __name__ == "__main__":
    age(sys.argv[1], sys.argv[2], int(sys.argv[3]))
