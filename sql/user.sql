-- Who may log in at a Mac; twin of src/mdm/user.c.

-- name: user_list
SELECT name, realm, created_at, changed_at, name FROM login_user WHERE name > $1 ORDER BY name LIMIT $2;

-- name: user_find
SELECT realm, ha1 FROM login_user WHERE name = $1;

-- name: user_add
INSERT INTO login_user (name, realm, ha1, created_at, changed_at) VALUES ($1, $2, $3, $4, $4);

-- name: user_set
UPDATE login_user SET realm = $2, ha1 = $3, changed_at = $4 WHERE name = $1;

-- name: user_remove
DELETE FROM login_user WHERE name = $1;
