-- Raw plists; twin of src/mdm/command_raw.c.

-- name: command_raw_put
UPDATE payload SET args = $2, body = $3, sealed_body = $4, unread = 0 WHERE no = $1 AND unread = 1;
