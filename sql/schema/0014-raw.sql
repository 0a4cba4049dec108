-- A raw plist through the SQL interface: 1 until it is sent for the first time, when it is read, checked and, where that is
-- called for, given its CommandUUID or sealed (mdm/command_raw.c).
ALTER TABLE payload ADD COLUMN unread INTEGER NOT NULL DEFAULT 0;
