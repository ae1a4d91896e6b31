"""Each change of the tables since the first, one file each; `tables.REVISION` names the newest."""
