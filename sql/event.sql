-- What happened; twin of src/mdm/event.c.

-- name: event_add
INSERT INTO event_log (at, kind, enrollment_no, detail, raw) VALUES ($1, $2, $3, $4, $5);
