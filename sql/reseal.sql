-- Everything that is sealed, for a new master key; twin of src/mdm/reseal.c.
--
-- Each pair finds values behind $1 that are not sealed under the key with number $3 (one byte, the second of a sealed
-- value), and puts one in the place of the very one that was found.

-- name: reseal_push_magic_find
SELECT no, id, push_magic FROM enrollment
WHERE no > $1 AND push_magic IS NOT NULL AND substr(push_magic, 2, 1) <> $3 ORDER BY no LIMIT $2;

-- name: reseal_push_magic_put
UPDATE enrollment SET push_magic = $2 WHERE no = $1 AND push_magic = $3;

-- name: reseal_unlock_token_find
SELECT no, id, unlock_token FROM enrollment
WHERE no > $1 AND unlock_token IS NOT NULL AND substr(unlock_token, 2, 1) <> $3 ORDER BY no LIMIT $2;

-- name: reseal_unlock_token_put
UPDATE enrollment SET unlock_token = $2 WHERE no = $1 AND unlock_token = $3;

-- name: reseal_bootstrap_token_find
SELECT no, id, bootstrap_token FROM enrollment
WHERE no > $1 AND bootstrap_token IS NOT NULL AND substr(bootstrap_token, 2, 1) <> $3 ORDER BY no LIMIT $2;

-- name: reseal_bootstrap_token_put
UPDATE enrollment SET bootstrap_token = $2 WHERE no = $1 AND bootstrap_token = $3;

-- name: reseal_event_find
SELECT no, COALESCE(enrollment_no, 0), raw FROM event_log
WHERE no > $1 AND raw IS NOT NULL AND substr(raw, 2, 1) <> $3 ORDER BY no LIMIT $2;

-- name: reseal_event_put
UPDATE event_log SET raw = $2 WHERE no = $1 AND raw = $3;

-- name: reseal_push_certificate_find
SELECT topic, topic, key FROM push_certificate
WHERE topic > $1 AND key IS NOT NULL AND substr(key, 2, 1) <> $3 ORDER BY topic LIMIT $2;

-- name: reseal_push_certificate_put
UPDATE push_certificate SET key = $2 WHERE topic = $1 AND key = $3;

-- name: reseal_push_request_find
SELECT name, name, key FROM push_request
WHERE name > $1 AND key IS NOT NULL AND substr(key, 2, 1) <> $3 ORDER BY name LIMIT $2;

-- name: reseal_push_request_put
UPDATE push_request SET key = $2 WHERE name = $1 AND key = $3;

-- name: reseal_authority_find
SELECT name, name, key FROM authority
WHERE name > $1 AND key IS NOT NULL AND substr(key, 2, 1) <> $3 ORDER BY name LIMIT $2;

-- name: reseal_authority_put
UPDATE authority SET key = $2 WHERE name = $1 AND key = $3;

-- name: reseal_setting_find
SELECT name, name, sealed FROM setting_value
WHERE name > $1 AND sealed IS NOT NULL AND substr(sealed, 2, 1) <> $3 ORDER BY name LIMIT $2;

-- name: reseal_setting_put
UPDATE setting_value SET sealed = $2 WHERE name = $1 AND sealed = $3;

-- name: reseal_enroll_download_find
SELECT hash, hash, profile FROM enroll_download
WHERE hash > $1 AND substr(profile, 2, 1) <> $3 ORDER BY hash LIMIT $2;

-- name: reseal_enroll_download_put
UPDATE enroll_download SET profile = $2 WHERE hash = $1 AND profile = $3;

-- name: reseal_secret_find
SELECT no, enrollment_no || '/' || kind, value FROM secret
WHERE no > $1 AND substr(value, 2, 1) <> $3 ORDER BY no LIMIT $2;

-- name: reseal_secret_put
UPDATE secret SET value = $2 WHERE no = $1 AND value = $3;

-- name: reseal_escrow_find
SELECT sha256, sha256, key FROM escrow_certificate
WHERE sha256 > $1 AND substr(key, 2, 1) <> $3 ORDER BY sha256 LIMIT $2;

-- name: reseal_escrow_put
UPDATE escrow_certificate SET key = $2 WHERE sha256 = $1 AND key = $3;

-- name: reseal_payload_args_find
SELECT no, uuid, sealed_args FROM payload
WHERE no > $1 AND sealed_args IS NOT NULL AND substr(sealed_args, 2, 1) <> $3 ORDER BY no LIMIT $2;

-- name: reseal_payload_args_put
UPDATE payload SET sealed_args = $2 WHERE no = $1 AND sealed_args = $3;

-- name: reseal_payload_body_find
SELECT no, uuid, sealed_body FROM payload
WHERE no > $1 AND sealed_body IS NOT NULL AND substr(sealed_body, 2, 1) <> $3 ORDER BY no LIMIT $2;

-- name: reseal_payload_body_put
UPDATE payload SET sealed_body = $2 WHERE no = $1 AND sealed_body = $3;

-- name: reseal_answer_find
SELECT no, enrollment_no || '/' || payload_no, raw FROM answer_secret
WHERE no > $1 AND substr(raw, 2, 1) <> $3 ORDER BY no LIMIT $2;

-- name: reseal_answer_put
UPDATE answer_secret SET raw = $2 WHERE no = $1 AND raw = $3;

-- name: reseal_token_source_find
SELECT type, type, key FROM token_source
WHERE type > $1 AND key IS NOT NULL AND substr(key, 2, 1) <> $3 ORDER BY type LIMIT $2;

-- name: reseal_token_source_put
UPDATE token_source SET key = $2 WHERE type = $1 AND key = $3;

-- name: reseal_return_profile_find
SELECT kind, kind, profile FROM return_profile
WHERE kind > $1 AND substr(profile, 2, 1) <> $3 ORDER BY kind LIMIT $2;

-- name: reseal_return_profile_put
UPDATE return_profile SET profile = $2 WHERE kind = $1 AND profile = $3;

-- name: reseal_login_user_find
SELECT name, name, ha1 FROM login_user
WHERE name > $1 AND substr(ha1, 2, 1) <> $3 ORDER BY name LIMIT $2;

-- name: reseal_login_user_put
UPDATE login_user SET ha1 = $2 WHERE name = $1 AND ha1 = $3;

-- name: reseal_setup_step_find
SELECT no, no, sealed_args FROM setup_step
WHERE no > $1 AND sealed_args IS NOT NULL AND substr(sealed_args, 2, 1) <> $3 ORDER BY no LIMIT $2;

-- name: reseal_setup_step_put
UPDATE setup_step SET sealed_args = $2 WHERE no = $1 AND sealed_args = $3;
