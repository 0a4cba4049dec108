-- Commands that hold secrets; twin of src/mdm/command_secret.c.

-- name: command_secret_read
SELECT uuid, args, body, sealed_args, sealed_body FROM payload WHERE no = $1;

-- name: command_secret_put
UPDATE payload SET args = $2, sealed_args = $3 WHERE no = $1 AND sealed_args IS NULL;
