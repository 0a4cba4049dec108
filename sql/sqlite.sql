-- The SQL interface in SQLite's dialect: views an operator reads, triggers that let some of them be written to.
-- pomona-sql(7) documents it.  Made anew whenever this text changes; the triggers that check a
-- command's keys are made from the catalogue (mdm/catalogue_sql.c) and run when a payload is stored.

-- ---- device ----

CREATE VIEW device AS
SELECT e.id AS id,
	COALESCE(d.id, e.id) AS device_id,
	e.kind AS kind,
	COALESCE(e.udid, d.udid) AS udid,
	COALESCE(e.serial, d.serial) AS serial,
	COALESCE(e.name, e.user_short_name) AS name,
	COALESCE(e.model, d.model) AS model,
	COALESCE(e.product, d.product) AS product,
	COALESCE(e.os_version, d.os_version) AS os_version,
	COALESCE(e.os_major, d.os_major) AS os_major,
	COALESCE(e.build, d.build) AS build,
	e.topic AS topic,
	CASE WHEN e.blocked = 1 THEN 'blocked' ELSE e.state END AS state,
	CASE WHEN p.stopped IS NOT NULL THEN 'stopped'
		WHEN e.push_token IS NULL THEN 'none'
		WHEN p.due_at IS NOT NULL THEN 'waiting'
		ELSE 'ready' END AS push_state,
	strftime('%Y-%m-%dT%H:%M:%fZ', e.enrolled_at / 1000.0, 'unixepoch') AS enrolled_at,
	strftime('%Y-%m-%dT%H:%M:%fZ', e.last_seen / 1000.0, 'unixepoch') AS last_seen,
	e.user_id AS user_id,
	e.user_short_name AS user_short_name,
	e.user_long_name AS user_long_name,
	e.not_on_console AS not_on_console,
	e.awaiting_configuration AS awaiting,
	strftime('%Y-%m-%dT%H:%M:%fZ', e.await_until / 1000.0, 'unixepoch') AS await_until,
	COALESCE(e.model_name, d.model_name) AS model_name,
	COALESCE(e.supervised, d.supervised) AS supervised,
	COALESCE(e.enrolled_via_dep, d.enrolled_via_dep) AS enrolled_via_dep,
	COALESCE(e.user_approved, d.user_approved) AS user_approved
FROM enrollment e
LEFT JOIN enrollment d ON d.no = e.device_no
LEFT JOIN push p ON p.enrollment_no = e.no;

CREATE TRIGGER device_update INSTEAD OF UPDATE ON device
BEGIN
	SELECT RAISE(ABORT, 'device: only state can be set, to blocked or enrolled')
	WHERE NEW.state IS NOT OLD.state AND NEW.state NOT IN ('blocked', 'enrolled')
		OR NEW.state IS NULL OR NEW.id IS NOT OLD.id OR NEW.device_id IS NOT OLD.device_id
		OR NEW.kind IS NOT OLD.kind OR NEW.udid IS NOT OLD.udid OR NEW.serial IS NOT OLD.serial
		OR NEW.name IS NOT OLD.name OR NEW.model IS NOT OLD.model OR NEW.product IS NOT OLD.product
		OR NEW.os_version IS NOT OLD.os_version OR NEW.os_major IS NOT OLD.os_major
		OR NEW.build IS NOT OLD.build OR NEW.topic IS NOT OLD.topic OR NEW.push_state IS NOT OLD.push_state
		OR NEW.enrolled_at IS NOT OLD.enrolled_at OR NEW.last_seen IS NOT OLD.last_seen
		OR NEW.user_id IS NOT OLD.user_id OR NEW.user_short_name IS NOT OLD.user_short_name
		OR NEW.user_long_name IS NOT OLD.user_long_name OR NEW.not_on_console IS NOT OLD.not_on_console
		OR NEW.awaiting IS NOT OLD.awaiting OR NEW.await_until IS NOT OLD.await_until
		OR NEW.model_name IS NOT OLD.model_name OR NEW.supervised IS NOT OLD.supervised
		OR NEW.enrolled_via_dep IS NOT OLD.enrolled_via_dep OR NEW.user_approved IS NOT OLD.user_approved;
	SELECT RAISE(ABORT, 'device: only a blocked device can be set to enrolled')
	WHERE NEW.state = 'enrolled' AND OLD.state NOT IN ('blocked', 'enrolled');
	UPDATE enrollment SET blocked = (NEW.state = 'blocked') WHERE id = OLD.id AND NEW.state IS NOT OLD.state;
	INSERT INTO audit_log (at, source, action, device)
	SELECT CAST(round((julianday('now') - 2440587.5) * 86400000) AS INTEGER), 'sql',
		CASE NEW.state WHEN 'blocked' THEN 'device_block' ELSE 'device_unblock' END, OLD.id
	WHERE NEW.state IS NOT OLD.state;
	-- What waited meanwhile, for the device and its users, may go now.
	UPDATE push
	SET due_at = CAST(round((julianday('now') - 2440587.5) * 86400000) AS INTEGER)
	WHERE NEW.state = 'enrolled' AND OLD.state = 'blocked' AND due_at IS NULL AND stopped IS NULL
		AND enrollment_no IN (
			SELECT no FROM enrollment WHERE id = OLD.id
			UNION ALL
			SELECT u.no FROM enrollment u JOIN enrollment d ON d.no = u.device_no WHERE d.id = OLD.id)
		AND (wanted > served OR EXISTS (
			SELECT 1 FROM delivery w WHERE w.enrollment_no = push.enrollment_no AND w.ended_at IS NULL));
END;

CREATE TRIGGER device_delete INSTEAD OF DELETE ON device
BEGIN
	SELECT RAISE(ABORT, 'device: none can be removed; block it: UPDATE device SET state = ''blocked'' WHERE id = ...');
END;

-- ---- groups ----

CREATE VIEW device_group AS
SELECT g.name AS name,
	g.condition AS condition,
	g.problem AS problem,
	CASE WHEN g.condition IS NULL OR g.found = g.edition THEN 1 ELSE 0 END AS ready,
	CASE WHEN g.problem IS NOT NULL OR g.condition IS NOT NULL AND g.found <> g.edition THEN 0
		ELSE (SELECT COUNT(*) FROM named_group_member m WHERE m.group_no = g.no) END AS members,
	strftime('%Y-%m-%dT%H:%M:%fZ', g.created_at / 1000.0, 'unixepoch') AS created_at,
	strftime('%Y-%m-%dT%H:%M:%fZ', g.changed_at / 1000.0, 'unixepoch') AS changed_at
FROM named_group g;

-- A condition is read by the worker (mdm/group_refresh.c); until then the group has no members.
CREATE TRIGGER device_group_insert INSTEAD OF INSERT ON device_group
BEGIN
	SELECT RAISE(ABORT, 'device_group: name is 1 to 64 letters, digits, dots, - and _, the first a letter or a digit')
	WHERE NEW.name IS NULL OR typeof(NEW.name) <> 'text' OR NEW.name GLOB '*[^-A-Za-z0-9._]*' OR NEW.name NOT GLOB '[A-Za-z0-9]*'
		OR length(NEW.name) > 64;
	SELECT RAISE(ABORT, 'device_group: there is a group of this name')
	WHERE EXISTS (SELECT 1 FROM named_group WHERE name = NEW.name);
	SELECT RAISE(ABORT, 'device_group: condition must be a text of up to 4000 bytes')
	WHERE NEW.condition IS NOT NULL AND (typeof(NEW.condition) <> 'text' OR length(CAST(NEW.condition AS BLOB)) > 4000);
	SELECT RAISE(ABORT, 'device_group: only name and condition can be given')
	WHERE COALESCE(NEW.problem, NEW.ready, NEW.members, NEW.created_at, NEW.changed_at) IS NOT NULL;
	INSERT INTO named_group (name, condition, edition, created_at, changed_at)
	SELECT NEW.name, NEW.condition, NEW.condition IS NOT NULL, now_ms, now_ms
	FROM (SELECT CAST(round((julianday('now') - 2440587.5) * 86400000) AS INTEGER) AS now_ms);
	INSERT INTO audit_log (at, source, action, object, detail)
	VALUES (CAST(round((julianday('now') - 2440587.5) * 86400000) AS INTEGER), 'sql', 'group_set', NEW.name,
		json_patch('{}', json_object('condition', NEW.condition)));
END;

CREATE TRIGGER device_group_update INSTEAD OF UPDATE ON device_group
BEGIN
	SELECT RAISE(ABORT, 'device_group: only condition can be changed')
	WHERE NEW.name IS NOT OLD.name OR NEW.problem IS NOT OLD.problem OR NEW.ready IS NOT OLD.ready
		OR NEW.members IS NOT OLD.members OR NEW.created_at IS NOT OLD.created_at OR NEW.changed_at IS NOT OLD.changed_at;
	SELECT RAISE(ABORT, 'device_group: condition must be a text of up to 4000 bytes')
	WHERE NEW.condition IS NOT NULL AND (typeof(NEW.condition) <> 'text' OR length(CAST(NEW.condition AS BLOB)) > 4000);
	INSERT INTO audit_log (at, source, action, object, detail)
	SELECT CAST(round((julianday('now') - 2440587.5) * 86400000) AS INTEGER), 'sql', 'group_set', OLD.name,
		json_patch('{}', json_object('condition', NEW.condition, 'before', OLD.condition))
	WHERE NEW.condition IS NOT OLD.condition;
	-- Who was found by a condition is not in the list that comes after it.
	DELETE FROM named_group_member
	WHERE NEW.condition IS NULL AND OLD.condition IS NOT NULL
		AND group_no = (SELECT no FROM named_group WHERE name = OLD.name);
	UPDATE named_group
	SET condition = NEW.condition, edition = edition + 1, problem = NULL,
		changed_at = CAST(round((julianday('now') - 2440587.5) * 86400000) AS INTEGER)
	WHERE name = OLD.name AND NEW.condition IS NOT OLD.condition;
END;

CREATE TRIGGER device_group_delete INSTEAD OF DELETE ON device_group
BEGIN
	DELETE FROM named_group_member WHERE group_no = (SELECT no FROM named_group WHERE name = OLD.name);
	DELETE FROM named_group WHERE name = OLD.name;
	INSERT INTO audit_log (at, source, action, object, detail)
	VALUES (CAST(round((julianday('now') - 2440587.5) * 86400000) AS INTEGER), 'sql', 'group_remove', OLD.name,
		json_patch('{}', json_object('condition', OLD.condition)));
END;

CREATE VIEW group_member AS
SELECT g.name AS name,
	e.id AS device
FROM named_group g
JOIN named_group_member m ON m.group_no = g.no
JOIN enrollment e ON e.no = m.enrollment_no
WHERE g.condition IS NULL OR g.found = g.edition AND g.problem IS NULL;

CREATE TRIGGER group_member_insert INSTEAD OF INSERT ON group_member
BEGIN
	SELECT RAISE(ABORT, 'group_member: unknown group')
	WHERE NOT EXISTS (SELECT 1 FROM named_group WHERE name IS NEW.name);
	SELECT RAISE(ABORT, 'group_member: the members of this group are found by its condition')
	WHERE (SELECT condition FROM named_group WHERE name = NEW.name) IS NOT NULL;
	SELECT RAISE(ABORT, 'group_member: unknown device')
	WHERE NOT EXISTS (SELECT 1 FROM enrollment WHERE id IS NEW.device);
	INSERT INTO named_group_member (group_no, enrollment_no)
	SELECT g.no, e.no FROM named_group g, enrollment e
	WHERE g.name = NEW.name AND e.id = NEW.device
		AND NOT EXISTS (SELECT 1 FROM named_group_member m WHERE m.group_no = g.no AND m.enrollment_no = e.no);
	-- One row in the audit trail for what one statement does, with the first member.
	INSERT INTO audit_log (at, source, action, object, device, detail)
	SELECT now_ms, 'sql', 'group_set', NEW.name, NEW.device, json_object('added', json_array(NEW.device))
	FROM (SELECT CAST(round((julianday('now') - 2440587.5) * 86400000) AS INTEGER) AS now_ms)
	WHERE NOT EXISTS (
		SELECT 1 FROM audit_log
		WHERE no = (SELECT max(no) FROM audit_log) AND at = now_ms AND source = 'sql' AND action = 'group_set'
			AND object = NEW.name AND json_type(detail, '$.added') IS NOT NULL);
END;

CREATE TRIGGER group_member_delete INSTEAD OF DELETE ON group_member
BEGIN
	SELECT RAISE(ABORT, 'group_member: the members of this group are found by its condition')
	WHERE (SELECT condition FROM named_group WHERE name = OLD.name) IS NOT NULL;
	DELETE FROM named_group_member
	WHERE group_no = (SELECT no FROM named_group WHERE name = OLD.name)
		AND enrollment_no = (SELECT no FROM enrollment WHERE id = OLD.device);
	-- One row in the audit trail for what one statement does, with the first member.
	INSERT INTO audit_log (at, source, action, object, device, detail)
	SELECT now_ms, 'sql', 'group_set', OLD.name, OLD.device, json_object('removed', json_array(OLD.device))
	FROM (SELECT CAST(round((julianday('now') - 2440587.5) * 86400000) AS INTEGER) AS now_ms)
	WHERE NOT EXISTS (
		SELECT 1 FROM audit_log
		WHERE no = (SELECT max(no) FROM audit_log) AND at = now_ms AND source = 'sql' AND action = 'group_set'
			AND object = OLD.name AND json_type(detail, '$.removed') IS NOT NULL);
END;

-- What a condition may name has changed: the worker looks at the enrollment again.  last_seen is not among it: groups
-- that name it are gone through at intervals.
CREATE TRIGGER enrollment_looked_for AFTER INSERT ON enrollment
WHEN EXISTS (SELECT 1 FROM named_group WHERE condition IS NOT NULL)
BEGIN
	INSERT INTO group_look (enrollment_no)
	SELECT NEW.no WHERE NOT EXISTS (SELECT 1 FROM group_look WHERE enrollment_no = NEW.no);
END;

CREATE TRIGGER enrollment_looked_at AFTER UPDATE OF
	kind, udid, serial, name, user_short_name, model, model_name, product, os_version, os_major, build, topic,
	state, blocked, enrolled_at, supervised, enrolled_via_dep, user_approved
ON enrollment
WHEN EXISTS (SELECT 1 FROM named_group WHERE condition IS NOT NULL)
	AND (NEW.kind IS NOT OLD.kind OR NEW.udid IS NOT OLD.udid OR NEW.serial IS NOT OLD.serial OR NEW.name IS NOT OLD.name
		OR NEW.user_short_name IS NOT OLD.user_short_name OR NEW.model IS NOT OLD.model OR NEW.model_name IS NOT
		OLD.model_name OR NEW.product IS NOT OLD.product OR NEW.os_version IS NOT OLD.os_version OR NEW.os_major IS NOT
		OLD.os_major OR NEW.build IS NOT OLD.build OR NEW.topic IS NOT OLD.topic OR NEW.state IS NOT OLD.state OR
		NEW.blocked IS NOT OLD.blocked OR NEW.enrolled_at IS NOT OLD.enrolled_at OR NEW.supervised IS NOT OLD.supervised
		OR NEW.enrolled_via_dep IS NOT OLD.enrolled_via_dep OR NEW.user_approved IS NOT OLD.user_approved)
BEGIN
	INSERT INTO group_look (enrollment_no)
	SELECT NEW.no WHERE NOT EXISTS (SELECT 1 FROM group_look WHERE enrollment_no = NEW.no);
END;

-- ---- identity ----

CREATE VIEW identity AS
SELECT i.sha256 AS sha256,
	i.serial AS serial,
	i.subject AS subject,
	COALESCE(e.id, n.id) AS device,
	CASE WHEN i.revoked_at IS NOT NULL THEN 'revoked'
		WHEN i.not_after <= CAST(strftime('%s', 'now') AS INTEGER) * 1000 THEN 'expired'
		WHEN f.certificate IS NOT NULL THEN 'replaced'
		ELSE 'valid' END AS state,
	CASE WHEN e.id IS NULL THEN 0 ELSE 1 END AS pinned,
	strftime('%Y-%m-%dT%H:%M:%fZ', i.not_before / 1000.0, 'unixepoch') AS not_before,
	strftime('%Y-%m-%dT%H:%M:%fZ', i.not_after / 1000.0, 'unixepoch') AS not_after,
	strftime('%Y-%m-%dT%H:%M:%fZ', i.issued_at / 1000.0, 'unixepoch') AS issued_at,
	i.origin AS origin,
	i.replaces AS replaces,
	strftime('%Y-%m-%dT%H:%M:%fZ', i.revoked_at / 1000.0, 'unixepoch') AS revoked_at,
	i.revoke_reason AS revoke_reason
FROM issued_identity i
LEFT JOIN enrollment e ON e.certificate = i.sha256
LEFT JOIN enrollment n ON n.no = i.enrollment_no
LEFT JOIN former_pin f ON f.certificate = i.sha256;

-- ---- queue, command, result ----

CREATE VIEW command AS
SELECT e.id AS device,
	p.request AS request,
	-- What is sealed is shown without its secrets already (mdm/mask.c); what came through SQL is not sealed until it is sent.
	CASE WHEN p.sealed_args IS NULL AND p.sealed_body IS NULL AND (p.args LIKE '%UnlockToken%' OR p.request IN
			('AccountConfiguration', 'EraseDevice', 'RequestMirroring', 'RotateFileVaultKey', 'SetAutoAdminPassword',
			'SetFirmwarePassword', 'SetRecoveryLock', 'TriggerEnhancedLogCollection', 'VerifyFirmwarePassword',
			'VerifyRecoveryLock'))
		THEN json_replace(p.args, '$.UnlockToken', '(secret)', '$.NewPassword', '(secret)', '$.CurrentPassword', '(secret)',
			'$.Password', '(secret)', '$.passwordHash', '(secret)', '$.AutoSetupAdminAccounts', '(secret)',
			'$.FileVaultUnlock', '(secret)', '$.ReturnToService.BootstrapToken', '(secret)', '$.AppleCareToken', '(secret)')
		ELSE p.args END AS args,
	d.priority AS priority,
	strftime('%Y-%m-%dT%H:%M:%fZ', d.not_before / 1000.0, 'unixepoch') AS not_before,
	strftime('%Y-%m-%dT%H:%M:%fZ', d.expires_at / 1000.0, 'unixepoch') AS expires,
	p.uuid AS uuid,
	d.state AS state,
	strftime('%Y-%m-%dT%H:%M:%fZ', d.queued_at / 1000.0, 'unixepoch') AS created_at,
	CAST(strftime('%s', 'now') AS INTEGER) - d.queued_at / 1000 AS age,
	strftime('%Y-%m-%dT%H:%M:%fZ', d.sent_at / 1000.0, 'unixepoch') AS sent_at,
	strftime('%Y-%m-%dT%H:%M:%fZ', d.ended_at / 1000.0, 'unixepoch') AS ended_at,
	d.not_now_count AS not_now_count,
	d.reason AS reason,
	d.setup AS setup
FROM delivery d
JOIN enrollment e ON e.no = d.enrollment_no
JOIN payload p ON p.no = d.payload_no;

CREATE VIEW queue AS
SELECT e.id AS device,
	p.request AS request,
	-- What is sealed is shown without its secrets already (mdm/mask.c); what came through SQL is not sealed until it is sent.
	CASE WHEN p.sealed_args IS NULL AND p.sealed_body IS NULL AND (p.args LIKE '%UnlockToken%' OR p.request IN
			('AccountConfiguration', 'EraseDevice', 'RequestMirroring', 'RotateFileVaultKey', 'SetAutoAdminPassword',
			'SetFirmwarePassword', 'SetRecoveryLock', 'TriggerEnhancedLogCollection', 'VerifyFirmwarePassword',
			'VerifyRecoveryLock'))
		THEN json_replace(p.args, '$.UnlockToken', '(secret)', '$.NewPassword', '(secret)', '$.CurrentPassword', '(secret)',
			'$.Password', '(secret)', '$.passwordHash', '(secret)', '$.AutoSetupAdminAccounts', '(secret)',
			'$.FileVaultUnlock', '(secret)', '$.ReturnToService.BootstrapToken', '(secret)', '$.AppleCareToken', '(secret)')
		ELSE p.args END AS args,
	d.priority AS priority,
	strftime('%Y-%m-%dT%H:%M:%fZ', d.not_before / 1000.0, 'unixepoch') AS not_before,
	strftime('%Y-%m-%dT%H:%M:%fZ', d.expires_at / 1000.0, 'unixepoch') AS expires,
	p.uuid AS uuid,
	d.state AS state,
	strftime('%Y-%m-%dT%H:%M:%fZ', d.queued_at / 1000.0, 'unixepoch') AS created_at,
	CAST(strftime('%s', 'now') AS INTEGER) - d.queued_at / 1000 AS age,
	d.setup AS setup,
	-- A raw one, byte for byte; not shown while it may hold secrets that nobody has looked for yet.
	CASE WHEN p.unread = 0 THEN CAST(p.body AS TEXT) END AS plist
FROM delivery d
JOIN enrollment e ON e.no = d.enrollment_no
JOIN payload p ON p.no = d.payload_no
WHERE d.ended_at IS NULL;

-- One row in, one delivery out.  'now' stands still while one statement runs, so a payload of origin sql with the same
-- created_at, request and args was stored by the same statement (or one of the same millisecond) and is shared, except
-- for an enrollment that has it already: the same again for the same device is a command of its own.
CREATE TRIGGER queue_insert INSTEAD OF INSERT ON queue
BEGIN
	SELECT RAISE(ABORT, 'queue: device is missing') WHERE NEW.device IS NULL;
	SELECT RAISE(ABORT, 'queue: request is missing') WHERE NEW.request IS NULL;
	SELECT RAISE(ABORT, 'queue: request must be a text without U+0000')
	WHERE typeof(NEW.request) <> 'text' OR instr(NEW.request, char(0)) > 0;
	SELECT RAISE(ABORT, 'queue: unknown device')
	WHERE NOT EXISTS (SELECT 1 FROM enrollment WHERE id = NEW.device);
	SELECT RAISE(ABORT, 'queue: args is not valid JSON') WHERE NEW.args IS NOT NULL AND NOT json_valid(NEW.args);
	SELECT RAISE(ABORT, 'queue: args must be a JSON object')
	WHERE NEW.args IS NOT NULL AND json_type(NEW.args) <> 'object';
	SELECT RAISE(ABORT, 'queue: priority must be an integer')
	WHERE NEW.priority IS NOT NULL AND typeof(NEW.priority) <> 'integer';
	SELECT RAISE(ABORT, 'queue: not_before must be a time like 2026-11-24T08:00:00Z')
	WHERE NEW.not_before IS NOT NULL
		AND (NEW.not_before NOT GLOB '[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]*' OR julianday(NEW.not_before) IS NULL);
	SELECT RAISE(ABORT, 'queue: expires must be a time like 2026-11-24T08:00:00Z')
	WHERE NEW.expires IS NOT NULL AND (NEW.expires NOT GLOB '[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]*' OR julianday(NEW.expires) IS NULL);
	SELECT RAISE(ABORT, 'queue: expires must be after not_before')
	WHERE julianday(NEW.expires) <= julianday(NEW.not_before);
	SELECT RAISE(ABORT, 'queue: setup must be 0 or 1') WHERE NEW.setup IS NOT NULL AND NEW.setup NOT IN (0, 1);
	SELECT RAISE(ABORT, 'queue: a command is given by args or by plist, not by both')
	WHERE NEW.plist IS NOT NULL AND NULLIF(json_remove(NEW.args, '$.confirm'), '{}') IS NOT NULL;
	SELECT RAISE(ABORT, 'queue: plist must be an XML property list')
	WHERE NEW.plist IS NOT NULL AND (typeof(NEW.plist) NOT IN ('text', 'blob') OR instr(CAST(NEW.plist AS TEXT), '<plist') = 0);
	SELECT RAISE(ABORT, 'queue: there is a command with the CommandUUID of the plist already')
	WHERE NEW.plist IS NOT NULL AND EXISTS (
		SELECT 1 FROM payload p
		WHERE p.uuid = (CASE WHEN instr(CAST(NEW.plist AS TEXT), '<key>CommandUUID</key>') > 0 THEN (
				SELECT substr(rest, 9, instr(rest, '</string>') - 9)
				FROM (SELECT ltrim(substr(CAST(NEW.plist AS TEXT), instr(CAST(NEW.plist AS TEXT), '<key>CommandUUID</key>') + 22),
					' ' || char(9, 10, 13)) AS rest)) END)
			AND NOT (p.created_at = CAST(round((julianday('now') - 2440587.5) * 86400000) AS INTEGER)
				AND p.body IS CAST(NEW.plist AS BLOB)));
	SELECT RAISE(ABORT, 'queue: uuid, state, created_at and age are given by the store')
	WHERE COALESCE(NEW.uuid, NEW.state, NEW.created_at, NEW.age) IS NOT NULL;
	SELECT RAISE(ABORT, 'EraseDevice: confirm must be the id of the device, as in json_object(''confirm'', ''<device id>'')')
	WHERE NEW.request = 'EraseDevice' AND json_extract(NEW.args, '$.confirm') IS NOT NEW.device;

	INSERT INTO payload (uuid, request, args, body, unread, origin, created_at, asked_for)
	SELECT COALESCE(new_uuid, upper(hex(randomblob(4)) || '-' || hex(randomblob(2)) || '-4' || substr(hex(randomblob(2)), 2) || '-'
			|| substr('89AB', 1 + (random() & 3), 1) || substr(hex(randomblob(2)), 2) || '-'
			|| hex(randomblob(6)))),
		new_request, new_args, CAST(NEW.plist AS BLOB), NEW.plist IS NOT NULL, 'sql', now_ms, NEW.device
	FROM (SELECT iif(NEW.request = 'RestrictionsList' AND NEW.plist IS NULL, 'Restrictions', NEW.request) AS new_request,
			NULLIF(json_remove(NEW.args, '$.confirm'), '{}') AS new_args,
			(CASE WHEN instr(CAST(NEW.plist AS TEXT), '<key>CommandUUID</key>') > 0 THEN (
				SELECT substr(rest, 9, instr(rest, '</string>') - 9)
				FROM (SELECT ltrim(substr(CAST(NEW.plist AS TEXT), instr(CAST(NEW.plist AS TEXT), '<key>CommandUUID</key>') + 22),
					' ' || char(9, 10, 13)) AS rest)) END) AS new_uuid,
			CAST(round((julianday('now') - 2440587.5) * 86400000) AS INTEGER) AS now_ms)
	WHERE NOT EXISTS (
		SELECT 1 FROM payload p
		WHERE p.origin = 'sql' AND p.created_at = now_ms AND p.request = new_request
			AND substr(p.args, 1, 64) IS substr(new_args, 1, 64)
			AND substr(p.args, -64) IS substr(new_args, -64)
			AND p.args IS new_args AND p.body IS CAST(NEW.plist AS BLOB)
			AND NOT EXISTS (
				SELECT 1 FROM delivery d JOIN enrollment e ON e.no = d.enrollment_no
				WHERE e.id = NEW.device AND d.payload_no = p.no));

	INSERT INTO delivery (enrollment_no, payload_no, state, priority, not_before, expires_at, queued_at, setup)
	SELECT new_enrollment_no,
		(SELECT p.no FROM payload p
		WHERE p.origin = 'sql' AND p.created_at = now_ms AND p.request = new_request
			AND substr(p.args, 1, 64) IS substr(new_args, 1, 64)
			AND substr(p.args, -64) IS substr(new_args, -64)
			AND p.args IS new_args AND p.body IS CAST(NEW.plist AS BLOB)
			AND NOT EXISTS (
				SELECT 1 FROM delivery d
				WHERE d.enrollment_no = new_enrollment_no AND d.payload_no = p.no)
		ORDER BY p.no LIMIT 1),
		'queued', COALESCE(NEW.priority, 0),
		CAST(round((julianday(NEW.not_before) - 2440587.5) * 86400000) AS INTEGER),
		CAST(round((julianday(NEW.expires) - 2440587.5) * 86400000) AS INTEGER),
		now_ms, COALESCE(NEW.setup, 0)
	FROM (SELECT iif(NEW.request = 'RestrictionsList' AND NEW.plist IS NULL, 'Restrictions', NEW.request) AS new_request,
			NULLIF(json_remove(NEW.args, '$.confirm'), '{}') AS new_args,
			CAST(round((julianday('now') - 2440587.5) * 86400000) AS INTEGER) AS now_ms,
			(SELECT no FROM enrollment WHERE id = NEW.device) AS new_enrollment_no);
END;

CREATE TRIGGER queue_delete INSTEAD OF DELETE ON queue
BEGIN
	UPDATE delivery
	SET state = 'cancelled', reason = 'cancelled in SQL',
		ended_at = CAST(round((julianday('now') - 2440587.5) * 86400000) AS INTEGER)
	WHERE enrollment_no = (SELECT no FROM enrollment WHERE id = OLD.device)
		AND payload_no = (SELECT no FROM payload WHERE uuid = OLD.uuid)
		AND ended_at IS NULL;
	-- One row for the command and the statement, whoever else loses it: this is the first.
	INSERT INTO audit_log (at, source, action, object, device, detail)
	SELECT now_ms, 'sql', 'queue_cancel', OLD.uuid, OLD.device, json_object('request', OLD.request)
	FROM (SELECT CAST(round((julianday('now') - 2440587.5) * 86400000) AS INTEGER) AS now_ms)
	WHERE NOT EXISTS (
		SELECT 1 FROM audit_log
		WHERE object = OLD.uuid AND at = now_ms AND action = 'queue_cancel' AND source = 'sql');
END;

CREATE TRIGGER queue_update INSTEAD OF UPDATE ON queue
BEGIN
	SELECT RAISE(ABORT, 'queue: only priority, not_before and expires can be changed')
	WHERE NEW.device IS NOT OLD.device OR NEW.request IS NOT OLD.request OR NEW.args IS NOT OLD.args
		OR NEW.uuid IS NOT OLD.uuid OR NEW.state IS NOT OLD.state OR NEW.created_at IS NOT OLD.created_at
		OR NEW.setup IS NOT OLD.setup OR NEW.plist IS NOT OLD.plist;
	SELECT RAISE(ABORT, 'queue: priority must be an integer') WHERE typeof(NEW.priority) <> 'integer';
	SELECT RAISE(ABORT, 'queue: not_before must be a time like 2026-11-24T08:00:00Z')
	WHERE NEW.not_before IS NOT NULL
		AND (NEW.not_before NOT GLOB '[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]*' OR julianday(NEW.not_before) IS NULL);
	SELECT RAISE(ABORT, 'queue: expires must be a time like 2026-11-24T08:00:00Z')
	WHERE NEW.expires IS NOT NULL AND (NEW.expires NOT GLOB '[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]*' OR julianday(NEW.expires) IS NULL);
	UPDATE delivery
	SET priority = NEW.priority,
		not_before = CAST(round((julianday(NEW.not_before) - 2440587.5) * 86400000) AS INTEGER),
		expires_at = CAST(round((julianday(NEW.expires) - 2440587.5) * 86400000) AS INTEGER)
	WHERE enrollment_no = (SELECT no FROM enrollment WHERE id = OLD.device)
		AND payload_no = (SELECT no FROM payload WHERE uuid = OLD.uuid);
	INSERT INTO audit_log (at, source, action, object, device, detail)
	SELECT now_ms, 'sql', 'queue_change', OLD.uuid, OLD.device,
		json_patch('{}', json_object('request', OLD.request, 'priority', NEW.priority,
			'not_before', NEW.not_before, 'expires', NEW.expires))
	FROM (SELECT CAST(round((julianday('now') - 2440587.5) * 86400000) AS INTEGER) AS now_ms)
	WHERE NOT EXISTS (
		SELECT 1 FROM audit_log
		WHERE object = OLD.uuid AND at = now_ms AND action = 'queue_change' AND source = 'sql');
	-- A command that is due earlier now wants its push earlier; one that is due later keeps nobody else's.
	UPDATE push
	SET wanted = wanted + 1,
		due_at = min(COALESCE(due_at, 9223372036854775807),
			CAST(round((julianday(COALESCE(NEW.not_before, 'now')) - 2440587.5) * 86400000) AS INTEGER))
	WHERE enrollment_no = (SELECT no FROM enrollment WHERE id = OLD.device)
		AND NEW.not_before IS NOT OLD.not_before AND under_way = 0 AND stopped IS NULL AND failures = 0
		AND EXISTS (SELECT 1 FROM enrollment e
			WHERE e.id = OLD.device AND e.state = 'enrolled' AND e.push_token IS NOT NULL);
END;

-- Every new delivery asks for a push, whichever door it came through.  Wishes merge: while a push is under way the wish is
-- only counted, and the worker sees by the count that another one is wanted.
CREATE TRIGGER delivery_wakes AFTER INSERT ON delivery
BEGIN
	INSERT INTO push (enrollment_no, topic, wanted, due_at)
	SELECT e.no, e.topic, 1,
		CASE WHEN e.state = 'enrolled' AND e.push_token IS NOT NULL AND e.blocked = 0
			THEN max(NEW.queued_at, COALESCE(NEW.not_before, 0)) END
	FROM enrollment e WHERE e.no = NEW.enrollment_no
	ON CONFLICT (enrollment_no) DO UPDATE
	SET wanted = wanted + 1,
		due_at = CASE WHEN under_way = 1 OR stopped IS NOT NULL THEN due_at
			-- APNs could not take the last one: its wait is kept.
			WHEN failures > 0 AND due_at IS NOT NULL THEN due_at
			ELSE min(COALESCE(due_at, excluded.due_at), COALESCE(excluded.due_at, due_at)) END;
END;

-- ---- setup_command ----
--
-- What a device (or user) gets that waits to be configured.  To check it, it is stored as a payload, and taken away again.

CREATE VIEW setup_command AS
SELECT no AS id, channel AS channel, position AS position, request AS request,
	-- What is sealed is shown without its secrets already; older rows may hold some.
	CASE WHEN sealed_args IS NOT NULL THEN args
		ELSE json_replace(args, '$.UnlockToken', '(secret)', '$.NewPassword', '(secret)', '$.CurrentPassword', '(secret)',
			'$.Password', '(secret)', '$.passwordHash', '(secret)', '$.AutoSetupAdminAccounts', '(secret)',
			'$.FileVaultUnlock', '(secret)', '$.AppleCareToken', '(secret)') END AS args
FROM setup_step;

CREATE TRIGGER setup_command_insert INSTEAD OF INSERT ON setup_command
BEGIN
	SELECT RAISE(ABORT, 'setup_command: request is missing') WHERE NEW.request IS NULL;
	SELECT RAISE(ABORT, 'setup_command: id is given by the store') WHERE NEW.id IS NOT NULL;
	SELECT RAISE(ABORT, 'setup_command: channel is device or user')
	WHERE NEW.channel IS NOT NULL AND NEW.channel NOT IN ('device', 'user');
	SELECT RAISE(ABORT, 'setup_command: position must be an integer')
	WHERE NEW.position IS NOT NULL AND typeof(NEW.position) <> 'integer';
	SELECT RAISE(ABORT, 'setup_command: args is not valid JSON') WHERE NEW.args IS NOT NULL AND NOT json_valid(NEW.args);
	SELECT RAISE(ABORT, 'setup_command: args must be a JSON object')
	WHERE NEW.args IS NOT NULL AND json_type(NEW.args) <> 'object';
	SELECT RAISE(ABORT, 'setup_command: EraseDevice sets nothing up') WHERE NEW.request = 'EraseDevice';
	SELECT RAISE(ABORT, 'setup_command: DeviceConfigured and UserConfigured go out by themselves')
	WHERE NEW.request IN ('DeviceConfigured', 'UserConfigured');
	SELECT RAISE(ABORT, 'setup_command: args hold a secret, which would lie open in the store; pomona setup add seals it')
	FROM json_each(NEW.args)
	WHERE NEW.request IN ('AccountConfiguration', 'ClearPasscode', 'RequestMirroring', 'RotateFileVaultKey',
			'SetAutoAdminPassword', 'SetFirmwarePassword', 'SetRecoveryLock', 'TriggerEnhancedLogCollection',
			'VerifyFirmwarePassword', 'VerifyRecoveryLock')
		AND key IN ('UnlockToken', 'NewPassword', 'CurrentPassword', 'Password', 'passwordHash', 'AutoSetupAdminAccounts',
			'FileVaultUnlock', 'AppleCareToken');
	INSERT INTO payload (uuid, request, args, origin, created_at)
	VALUES ('setup_command ' || hex(randomblob(16)),
		CASE NEW.request WHEN 'RestrictionsList' THEN 'Restrictions' ELSE NEW.request END, NULLIF(NEW.args, '{}'), 'sql', 0);
	DELETE FROM payload WHERE created_at = 0 AND uuid GLOB 'setup_command *';
	INSERT INTO setup_step (channel, position, request, args)
	VALUES (COALESCE(NEW.channel, 'device'),
		COALESCE(NEW.position, (SELECT COALESCE(max(s.position), 0) + 1 FROM setup_step s
			WHERE s.channel = COALESCE(NEW.channel, 'device'))),
		CASE NEW.request WHEN 'RestrictionsList' THEN 'Restrictions' ELSE NEW.request END, NULLIF(NEW.args, '{}'));
	INSERT INTO audit_log (at, source, action, object, detail)
	SELECT CAST(round((julianday('now') - 2440587.5) * 86400000) AS INTEGER), 'sql', 'setup_add', max(no),
		json_object('request', NEW.request) FROM setup_step;
END;

CREATE TRIGGER setup_command_update INSTEAD OF UPDATE ON setup_command
BEGIN
	SELECT RAISE(ABORT, 'setup_command: only position can be changed')
	WHERE NEW.id IS NOT OLD.id OR NEW.channel IS NOT OLD.channel OR NEW.request IS NOT OLD.request
		OR NEW.args IS NOT OLD.args;
	SELECT RAISE(ABORT, 'setup_command: position must be an integer') WHERE typeof(NEW.position) <> 'integer';
	UPDATE setup_step SET position = NEW.position WHERE no = OLD.id;
	INSERT INTO audit_log (at, source, action, object, detail)
	VALUES (CAST(round((julianday('now') - 2440587.5) * 86400000) AS INTEGER), 'sql', 'setup_change', OLD.id,
		json_object('request', OLD.request, 'position', NEW.position));
END;

CREATE TRIGGER setup_command_delete INSTEAD OF DELETE ON setup_command
BEGIN
	DELETE FROM setup_step WHERE no = OLD.id;
	INSERT INTO audit_log (at, source, action, object, detail)
	VALUES (CAST(round((julianday('now') - 2440587.5) * 86400000) AS INTEGER), 'sql', 'setup_remove', OLD.id,
		json_object('request', OLD.request));
END;

-- ---- schedule ----
--
-- Recurring work.  What a trigger cannot see, the worker looks at (mdm/schedule.c).  To check the command, it is stored as a
-- payload, and taken away again.

CREATE VIEW schedule AS
SELECT name AS name,
	CASE WHEN every % 86400000 = 0 AND every > 86400000 THEN (every / 86400000) || 'd'
		WHEN every % 3600000 = 0 THEN (every / 3600000) || 'h'
		WHEN every % 60000 = 0 THEN (every / 60000) || 'm'
		ELSE (every / 1000) || 's' END AS every,
	target AS target,
	request AS request,
	args AS args,
	paused AS paused,
	CASE WHEN invalid IS NOT NULL THEN 'invalid' WHEN paused = 1 THEN 'paused' WHEN checked = 0 THEN 'new'
		ELSE 'active' END AS state,
	invalid AS reason,
	queued AS queued,
	strftime('%Y-%m-%dT%H:%M:%fZ', last_at / 1000.0, 'unixepoch') AS last_at,
	strftime('%Y-%m-%dT%H:%M:%fZ', created_at / 1000.0, 'unixepoch') AS created_at,
	strftime('%Y-%m-%dT%H:%M:%fZ', changed_at / 1000.0, 'unixepoch') AS changed_at
FROM schedule_rule;

CREATE TRIGGER schedule_insert INSTEAD OF INSERT ON schedule
BEGIN
	SELECT RAISE(ABORT, 'schedule: name has 1 to 64 letters, digits, ".", "-" and "_"')
	WHERE NEW.name IS NULL OR length(NEW.name) NOT BETWEEN 1 AND 64 OR NEW.name GLOB '*[^-A-Za-z0-9._]*';
	SELECT RAISE(ABORT, 'schedule: there is one with that name already')
	WHERE NEW.state IS NOT 'changed' AND EXISTS (SELECT 1 FROM schedule_rule WHERE name = NEW.name);
	SELECT RAISE(ABORT, 'schedule: every is an interval like 24h: a whole number and s, m, h or d, from 60s to 366d')
	WHERE NEW.every IS NULL OR NEW.every NOT GLOB '[1-9]*[smhd]' OR length(NEW.every) > 9
		OR substr(NEW.every, 1, length(NEW.every) - 1) GLOB '*[^0-9]*'
		OR CAST(NEW.every AS INTEGER) * CASE substr(NEW.every, -1)
			WHEN 's' THEN 1 WHEN 'm' THEN 60 WHEN 'h' THEN 3600 ELSE 86400 END NOT BETWEEN 60 AND 31622400;
	SELECT RAISE(ABORT, 'schedule: target is all, group:NAME or the id of a device')
	WHERE NEW.target IS NOT NULL AND (typeof(NEW.target) <> 'text' OR NEW.target <> 'all' AND NEW.target NOT GLOB 'group:?*'
		AND NOT EXISTS (SELECT 1 FROM enrollment WHERE id = NEW.target));
	SELECT RAISE(ABORT, 'schedule: request is missing') WHERE NEW.request IS NULL;
	SELECT RAISE(ABORT, 'schedule: EraseDevice destroys data: it goes to one device at a time, and once')
	WHERE NEW.request = 'EraseDevice';
	SELECT RAISE(ABORT, 'schedule: DeviceConfigured and UserConfigured go out by themselves')
	WHERE NEW.request IN ('DeviceConfigured', 'UserConfigured');
	SELECT RAISE(ABORT, 'schedule: args is not valid JSON') WHERE NEW.args IS NOT NULL AND NOT json_valid(NEW.args);
	SELECT RAISE(ABORT, 'schedule: args must be a JSON object') WHERE NEW.args IS NOT NULL AND json_type(NEW.args) <> 'object';
	SELECT RAISE(ABORT, 'schedule: args hold a secret, which would lie open in the store')
	FROM json_each(NEW.args)
	WHERE NEW.request IN ('AccountConfiguration', 'ClearPasscode', 'RequestMirroring', 'RotateFileVaultKey',
			'SetAutoAdminPassword', 'SetFirmwarePassword', 'SetRecoveryLock', 'TriggerEnhancedLogCollection',
			'VerifyFirmwarePassword', 'VerifyRecoveryLock')
		AND key IN ('UnlockToken', 'NewPassword', 'CurrentPassword', 'Password', 'passwordHash', 'AutoSetupAdminAccounts',
			'FileVaultUnlock', 'AppleCareToken');
	SELECT RAISE(ABORT, 'schedule: paused is 0 or 1') WHERE NEW.paused IS NOT NULL AND NEW.paused NOT IN (0, 1);
	SELECT RAISE(ABORT, 'schedule: only name, every, target, request, args and paused can be given')
	WHERE NEW.state IS NOT 'changed' AND COALESCE(NEW.state, NEW.reason, NEW.queued, NEW.last_at, NEW.created_at,
		NEW.changed_at) IS NOT NULL;
	INSERT INTO payload (uuid, request, args, origin, created_at)
	VALUES ('schedule ' || hex(randomblob(16)),
		CASE NEW.request WHEN 'RestrictionsList' THEN 'Restrictions' ELSE NEW.request END, NULLIF(NEW.args, '{}'), 'sql', 0);
	DELETE FROM payload WHERE created_at = 0 AND uuid GLOB 'schedule *';
	INSERT INTO schedule_rule (name, every, target, request, args, paused, done_to, created_at, changed_at)
	SELECT NEW.name,
		CAST(NEW.every AS INTEGER) * CASE substr(NEW.every, -1)
			WHEN 's' THEN 1000 WHEN 'm' THEN 60000 WHEN 'h' THEN 3600000 ELSE 86400000 END,
		COALESCE(NEW.target, 'all'), CASE NEW.request WHEN 'RestrictionsList' THEN 'Restrictions' ELSE NEW.request END,
		NULLIF(NEW.args, '{}'), COALESCE(NEW.paused, 0), now_ms, now_ms, now_ms
	FROM (SELECT CAST(round((julianday('now') - 2440587.5) * 86400000) AS INTEGER) AS now_ms)
	WHERE true
	-- A change; what is due begins anew with another interval, or after a pause.
	ON CONFLICT (name) DO UPDATE
	SET every = excluded.every, target = excluded.target, request = excluded.request, args = excluded.args,
		paused = excluded.paused, checked = 0, invalid = NULL, round = NULL, payload_no = NULL,
		done_to = CASE WHEN every <> excluded.every OR paused = 1 THEN excluded.done_to ELSE done_to END,
		changed_at = excluded.changed_at;
	INSERT INTO audit_log (at, source, action, object, detail)
	SELECT changed_at, 'sql', 'schedule_set', name, json_object('every', every / 1000, 'target', target, 'request', request,
		'keys', json((SELECT json_group_array(key) FROM json_each(args))), 'paused', json(iif(paused, 'true', 'false')))
	FROM schedule_rule WHERE name = NEW.name;
END;

CREATE TRIGGER schedule_update INSTEAD OF UPDATE ON schedule
BEGIN
	SELECT RAISE(ABORT, 'schedule: only every, target, request, args and paused can be changed')
	WHERE NEW.name IS NOT OLD.name OR NEW.state IS NOT OLD.state OR NEW.reason IS NOT OLD.reason
		OR NEW.queued IS NOT OLD.queued OR NEW.last_at IS NOT OLD.last_at OR NEW.created_at IS NOT OLD.created_at
		OR NEW.changed_at IS NOT OLD.changed_at;
	INSERT INTO schedule (name, every, target, request, args, paused, state)
	VALUES (NEW.name, NEW.every, NEW.target, NEW.request, NEW.args, NEW.paused, 'changed');
END;

CREATE TRIGGER schedule_delete INSTEAD OF DELETE ON schedule
BEGIN
	DELETE FROM schedule_rule WHERE name = OLD.name;
	INSERT INTO audit_log (at, source, action, object)
	VALUES (CAST(round((julianday('now') - 2440587.5) * 86400000) AS INTEGER), 'sql', 'schedule_remove', OLD.name);
END;

-- What it has queued stays, and is nobody's.
CREATE TRIGGER schedule_rule_gone AFTER DELETE ON schedule_rule
BEGIN
	UPDATE payload SET schedule_no = NULL WHERE schedule_no = OLD.no;
END;

-- Who has just enrolled gets its first soon.
CREATE TRIGGER enrollment_newcomer AFTER UPDATE OF enrolled_at ON enrollment
WHEN OLD.enrolled_at IS NULL AND NEW.enrolled_at IS NOT NULL
BEGIN
	INSERT INTO schedule_newcomer (enrollment_no)
	SELECT NEW.no WHERE EXISTS (SELECT 1 FROM schedule_rule)
	ON CONFLICT (enrollment_no) DO NOTHING;
END;

CREATE VIEW result AS
SELECT e.id AS device,
	p.uuid AS uuid,
	p.request AS request,
	a.status AS status,
	strftime('%Y-%m-%dT%H:%M:%fZ', a.received_at / 1000.0, 'unixepoch') AS received_at,
	a.response AS response,
	a.error AS error,
	-- The chain for people, the meaning of what is known in brackets.
	(SELECT group_concat(
			COALESCE(json_extract(j.value, '$.ErrorDomain'), 'error') || ' ' || json_extract(j.value, '$.ErrorCode')
			|| COALESCE(': ' || COALESCE(json_extract(j.value, '$.USEnglishDescription'),
				json_extract(j.value, '$.LocalizedDescription')), '')
			|| COALESCE(' [' || COALESCE(
				(SELECT m.meaning FROM error_meaning m
				WHERE m.request = p.request AND m.code = json_extract(j.value, '$.ErrorCode')),
				(SELECT m.meaning FROM error_meaning m
				WHERE m.domain = json_extract(j.value, '$.ErrorDomain')
					AND m.code = json_extract(j.value, '$.ErrorCode'))) || ']', ''),
			'; ')
		FROM json_each(a.error) j WHERE j.type = 'object') AS errors
FROM answer a
JOIN enrollment e ON e.no = a.enrollment_no
JOIN payload p ON p.no = a.payload_no;

-- A row is a link of an ErrorChain: of the answer, or of an element of it (Settings, UpdateResults).  The view
-- error_meaning is made from mdm/error_meaning.data.
CREATE VIEW result_error AS
SELECT device, uuid, request, received_at, chain, link, domain, code, description, localized,
	COALESCE(
		(SELECT m.meaning FROM error_meaning m WHERE m.request = l.request AND m.code = l.code),
		(SELECT m.meaning FROM error_meaning m WHERE m.domain = l.domain AND m.code = l.code)) AS meaning,
	COALESCE(
		(SELECT m.advice FROM error_meaning m WHERE m.request = l.request AND m.code = l.code),
		(SELECT m.advice FROM error_meaning m WHERE m.domain = l.domain AND m.code = l.code)) AS advice
FROM (
	SELECT e.id AS device, p.uuid AS uuid, p.request AS request,
		strftime('%Y-%m-%dT%H:%M:%fZ', a.received_at / 1000.0, 'unixepoch') AS received_at,
		substr(t.fullkey, 3) AS chain, j.key AS link,
		json_extract(j.value, '$.ErrorDomain') AS domain,
		json_extract(j.value, '$.ErrorCode') AS code,
		json_extract(j.value, '$.USEnglishDescription') AS description,
		json_extract(j.value, '$.LocalizedDescription') AS localized
	FROM answer a
	JOIN enrollment e ON e.no = a.enrollment_no
	JOIN payload p ON p.no = a.payload_no,
		json_tree(a.response) t,
		json_each(t.value) j
	WHERE (a.error IS NOT NULL OR p.request IN ('Settings', 'ScheduleOSUpdate'))
		AND t.key = 'ErrorChain' AND t.type = 'array' AND j.type = 'object') l;

-- ---- secrets: that there are some, and not what they are ----

-- before_enrollment: the device has enrolled anew since.
CREATE VIEW escrowed_secret AS
SELECT e.id AS device, s.kind AS kind,
	strftime('%Y-%m-%dT%H:%M:%fZ', s.since / 1000.0, 'unixepoch') AS since,
	strftime('%Y-%m-%dT%H:%M:%fZ', s.replaced_at / 1000.0, 'unixepoch') AS replaced_at,
	CASE WHEN s.since < e.enrolled_at OR e.enrolled_at IS NULL THEN 1 ELSE 0 END AS before_enrollment
FROM secret s
JOIN enrollment e ON e.no = s.enrollment_no;

-- ---- what happened, what is configured ----

CREATE VIEW event AS
SELECT l.no AS id,
	strftime('%Y-%m-%dT%H:%M:%fZ', l.at / 1000.0, 'unixepoch') AS at,
	l.kind AS kind,
	e.id AS device,
	l.detail AS detail
FROM event_log l
LEFT JOIN enrollment e ON e.no = l.enrollment_no;

CREATE VIEW setting AS
SELECT name, value, strftime('%Y-%m-%dT%H:%M:%fZ', changed_at / 1000.0, 'unixepoch') AS changed_at
FROM setting_value;

CREATE TRIGGER setting_insert INSTEAD OF INSERT ON setting
BEGIN
	SELECT RAISE(ABORT, 'setting: scep_challenge is kept sealed; set it with pomona setting set')
	WHERE NEW.name = 'scep_challenge';
	SELECT RAISE(ABORT, 'setting: name is server_url, organization, enroll_topics, enroll_devices, keep_results, keep_events, keep_history, keep_secrets, scep_challenge, scep_days, scep_legacy, signature_sha1, pin_unknown, scep_url, enroll_open, enroll_topic, enroll_description, enroll_consent, enroll_access_rights, enroll_sign_message, enroll_apns, enroll_ota, ddm_url, return_to_service, return_to_service_plan, return_to_service_retry, user_authenticate, user_realm or await_timeout')
	WHERE NEW.name IS NULL OR NEW.name NOT IN
		('server_url', 'organization', 'enroll_topics', 'enroll_devices', 'keep_results', 'keep_events', 'keep_history', 'keep_secrets', 'scep_days', 'scep_legacy', 'signature_sha1',
		'pin_unknown', 'scep_url', 'enroll_open', 'enroll_topic', 'enroll_description', 'enroll_consent', 'enroll_access_rights', 'enroll_sign_message', 'enroll_apns', 'enroll_ota',
		'ddm_url', 'return_to_service', 'return_to_service_plan', 'return_to_service_retry', 'user_authenticate', 'user_realm', 'await_timeout');
	SELECT RAISE(ABORT, 'setting: value is missing') WHERE NEW.value IS NULL;
	-- A number of days may be written without quotes.
	SELECT RAISE(ABORT, 'setting: value must be text')
	WHERE typeof(NEW.value) <> 'text'
		AND NOT (typeof(NEW.value) = 'integer' AND NEW.name IN ('keep_results', 'keep_events', 'keep_history', 'keep_secrets', 'scep_days', 'enroll_access_rights', 'await_timeout'));
	SELECT RAISE(ABORT, 'setting: server_url must be like https://mdm.example.com, without a / at its end')
	WHERE NEW.name = 'server_url' AND (NEW.value NOT GLOB 'https://[A-Za-z0-9[]*' OR NEW.value GLOB '*/'
		OR NEW.value GLOB '*[?#"<>\ ]*' OR length(NEW.value) > 4000);
	SELECT RAISE(ABORT, 'setting: organization is a name of 1 to 200 bytes')
	WHERE NEW.name = 'organization' AND length(CAST(NEW.value AS BLOB)) NOT BETWEEN 1 AND 200;
	SELECT RAISE(ABORT, 'setting: enroll_topics is imported, any, or topics separated by blanks')
	WHERE NEW.name = 'enroll_topics' AND (trim(NEW.value) = '' OR NEW.value GLOB '*[^-A-Za-z0-9 ._]*');
	SELECT RAISE(ABORT, 'setting: enroll_devices is any or listed')
	WHERE NEW.name = 'enroll_devices' AND NEW.value NOT IN ('any', 'listed');
	SELECT RAISE(ABORT, 'setting: signature_sha1 is accept or refuse')
	WHERE NEW.name = 'signature_sha1' AND NEW.value NOT IN ('accept', 'refuse');
	SELECT RAISE(ABORT, 'setting: keep_results is a whole number of days from 1 to 36500, or forever')
	WHERE NEW.name = 'keep_results' AND NEW.value <> 'forever' AND (NEW.value GLOB '*[^0-9]*'
		OR NEW.value GLOB '0*' OR length(NEW.value) > 5 OR CAST(NEW.value AS INTEGER) NOT BETWEEN 1 AND 36500);
	SELECT RAISE(ABORT, 'setting: keep_events is a whole number of days from 1 to 36500, or forever')
	WHERE NEW.name = 'keep_events' AND NEW.value <> 'forever' AND (NEW.value GLOB '*[^0-9]*'
		OR NEW.value GLOB '0*' OR length(NEW.value) > 5 OR CAST(NEW.value AS INTEGER) NOT BETWEEN 1 AND 36500);
	SELECT RAISE(ABORT, 'setting: keep_history is a whole number of days from 1 to 36500, or forever')
	WHERE NEW.name = 'keep_history' AND NEW.value <> 'forever' AND (NEW.value GLOB '*[^0-9]*'
		OR NEW.value GLOB '0*' OR length(NEW.value) > 5 OR CAST(NEW.value AS INTEGER) NOT BETWEEN 1 AND 36500);
	SELECT RAISE(ABORT, 'setting: keep_secrets is a whole number of days from 1 to 36500, or forever')
	WHERE NEW.name = 'keep_secrets' AND NEW.value <> 'forever' AND (NEW.value GLOB '*[^0-9]*'
		OR NEW.value GLOB '0*' OR length(NEW.value) > 5 OR CAST(NEW.value AS INTEGER) NOT BETWEEN 1 AND 36500);
	SELECT RAISE(ABORT, 'setting: scep_days is a whole number of days from 1 to 36500')
	WHERE NEW.name = 'scep_days' AND (NEW.value GLOB '*[^0-9]*'
		OR NEW.value GLOB '0*' OR length(NEW.value) > 5 OR CAST(NEW.value AS INTEGER) NOT BETWEEN 1 AND 36500);
	SELECT RAISE(ABORT, 'setting: scep_legacy is on or off')
	WHERE NEW.name = 'scep_legacy' AND NEW.value NOT IN ('on', 'off');
	SELECT RAISE(ABORT, 'setting: scep_url is an http:// or https:// URL')
	WHERE NEW.name = 'scep_url' AND (NOT (NEW.value GLOB 'http://[A-Za-z0-9[]*' OR NEW.value GLOB 'https://[A-Za-z0-9[]*')
		OR NEW.value GLOB '*[#"<>\ ]*' OR length(NEW.value) > 4000);
	SELECT RAISE(ABORT, 'setting: enroll_open is links, person or open')
	WHERE NEW.name = 'enroll_open' AND NEW.value NOT IN ('links', 'person', 'open');
	SELECT RAISE(ABORT, 'setting: enroll_topic is a topic, com.apple.mgmt.…')
	WHERE NEW.name = 'enroll_topic' AND (NEW.value NOT GLOB 'com.apple.mgmt.*' OR NEW.value GLOB '*[^-A-Za-z0-9._]*');
	SELECT RAISE(ABORT, 'setting: enroll_description is a text of 1 to 1000 bytes')
	WHERE NEW.name = 'enroll_description' AND length(CAST(NEW.value AS BLOB)) NOT BETWEEN 1 AND 1000;
	SELECT RAISE(ABORT, 'setting: enroll_consent is a text of 1 to 1000 bytes')
	WHERE NEW.name = 'enroll_consent' AND length(CAST(NEW.value AS BLOB)) NOT BETWEEN 1 AND 1000;
	SELECT RAISE(ABORT, 'setting: enroll_access_rights is a sum of rights from 1 to 8191, 2 not without 1, 128 not without 64')
	WHERE NEW.name = 'enroll_access_rights' AND (NEW.value GLOB '*[^0-9]*' OR NEW.value GLOB '0*' OR length(NEW.value) > 4
		OR CAST(NEW.value AS INTEGER) NOT BETWEEN 1 AND 8191
		OR (CAST(NEW.value AS INTEGER) & 3) = 2 OR (CAST(NEW.value AS INTEGER) & 192) = 128);
	SELECT RAISE(ABORT, 'setting: enroll_sign_message is on or off')
	WHERE NEW.name = 'enroll_sign_message' AND NEW.value NOT IN ('on', 'off');
	SELECT RAISE(ABORT, 'setting: enroll_ota is on or off')
	WHERE NEW.name = 'enroll_ota' AND NEW.value NOT IN ('on', 'off');
	SELECT RAISE(ABORT, 'setting: enroll_apns is production or development')
	WHERE NEW.name = 'enroll_apns' AND NEW.value NOT IN ('production', 'development');
	SELECT RAISE(ABORT, 'setting: ddm_url is an http:// or https:// URL, without a query, a user or a password')
	WHERE NEW.name = 'ddm_url' AND (NOT (NEW.value GLOB 'http://[A-Za-z0-9[]*' OR NEW.value GLOB 'https://[A-Za-z0-9[]*')
		OR NEW.value GLOB '*[?#"<>\ ]*' OR length(NEW.value) > 4000
		OR instr(substr(NEW.value, 1, instr(substr(NEW.value, 9) || '/', '/') + 8), '@') > 0);
	SELECT RAISE(ABORT, 'setting: return_to_service is off, erase or keep_apps')
	WHERE NEW.name = 'return_to_service' AND NEW.value NOT IN ('off', 'erase', 'keep_apps');
	SELECT RAISE(ABORT, 'setting: return_to_service_plan and return_to_service_retry are on or off')
	WHERE NEW.name IN ('return_to_service_plan', 'return_to_service_retry') AND NEW.value NOT IN ('on', 'off');
	SELECT RAISE(ABORT, 'setting: pin_unknown is on or off') WHERE NEW.name = 'pin_unknown' AND NEW.value NOT IN ('on', 'off');
	SELECT RAISE(ABORT, 'setting: user_authenticate is decline, accept or digest')
	WHERE NEW.name = 'user_authenticate' AND NEW.value NOT IN ('decline', 'accept', 'digest');
	SELECT RAISE(ABORT, 'setting: user_realm is 1 to 100 printable ASCII characters without " or \')
	WHERE NEW.name = 'user_realm' AND (length(NEW.value) NOT BETWEEN 1 AND 100 OR NEW.value GLOB '*[^ -~]*'
		OR instr(NEW.value, '"') > 0 OR instr(NEW.value, '\') > 0);
	SELECT RAISE(ABORT, 'setting: await_timeout is a whole number of minutes from 1 to 1440')
	WHERE NEW.name = 'await_timeout' AND (NEW.value GLOB '*[^0-9]*' OR NEW.value GLOB '0*' OR length(NEW.value) > 4
		OR CAST(NEW.value AS INTEGER) NOT BETWEEN 1 AND 1440);
	INSERT INTO audit_log (at, source, action, object, detail)
	VALUES (CAST(round((julianday('now') - 2440587.5) * 86400000) AS INTEGER), 'sql', 'setting_set', NEW.name,
		json_patch('{}', json_object('value', CAST(NEW.value AS TEXT),
			'before', (SELECT value FROM setting_value WHERE name = NEW.name))));
	INSERT INTO setting_value (name, value, changed_at)
	VALUES (NEW.name, NEW.value, CAST(round((julianday('now') - 2440587.5) * 86400000) AS INTEGER))
	ON CONFLICT (name) DO UPDATE SET value = excluded.value, changed_at = excluded.changed_at;
	INSERT INTO event_log (at, kind, detail)
	VALUES (CAST(round((julianday('now') - 2440587.5) * 86400000) AS INTEGER), 'setting',
		json_object('name', NEW.name));
END;

CREATE TRIGGER setting_update INSTEAD OF UPDATE ON setting
BEGIN
	SELECT RAISE(ABORT, 'setting: a name cannot be changed') WHERE NEW.name IS NOT OLD.name;
	INSERT INTO setting (name, value) VALUES (NEW.name, NEW.value);
END;

CREATE TRIGGER setting_delete INSTEAD OF DELETE ON setting
BEGIN
	DELETE FROM setting_value WHERE name = OLD.name;
	INSERT INTO audit_log (at, source, action, object, detail)
	VALUES (CAST(round((julianday('now') - 2440587.5) * 86400000) AS INTEGER), 'sql', 'setting_unset', OLD.name,
		json_object('before', OLD.value));
	INSERT INTO event_log (at, kind, detail)
	VALUES (CAST(round((julianday('now') - 2440587.5) * 86400000) AS INTEGER), 'setting',
		json_object('name', OLD.name));
END;

-- ---- back-ends, and what devices report of their declarations ----

CREATE VIEW token_service AS
SELECT type, method, url, issuer, strftime('%Y-%m-%dT%H:%M:%fZ', changed_at / 1000.0, 'unixepoch') AS changed_at
FROM token_source;

CREATE VIEW declaration_status AS
SELECT e.id AS device,
	strftime('%Y-%m-%dT%H:%M:%fZ', s.received_at / 1000.0, 'unixepoch') AS received_at,
	s.report AS report
FROM ddm_status s
JOIN enrollment e ON e.no = s.enrollment_no;

-- One row a declaration that the device knows.
CREATE VIEW declaration AS
SELECT e.id AS device,
	CASE k.key WHEN 'activations' THEN 'activation' WHEN 'assets' THEN 'asset'
		WHEN 'configurations' THEN 'configuration' ELSE k.key END AS kind,
	CASE WHEN j.type = 'object' THEN json_extract(j.value, '$.identifier') END AS identifier,
	CASE WHEN j.type = 'object' THEN json_extract(j.value, '$.active') END AS active,
	CASE WHEN j.type = 'object' THEN json_extract(j.value, '$.valid') END AS valid,
	CASE WHEN j.type = 'object' THEN json_extract(j.value, '$."server-token"') END AS server_token,
	CASE WHEN j.type = 'object' THEN json_extract(j.value, '$.reasons') END AS reasons,
	strftime('%Y-%m-%dT%H:%M:%fZ', s.declarations_at / 1000.0, 'unixepoch') AS seen_at
FROM ddm_status s
JOIN enrollment e ON e.no = s.enrollment_no,
	json_each(s.declarations) k,
	json_each(CASE WHEN k.type = 'array' THEN k.value ELSE '[]' END) j
WHERE j.type = 'object';

-- ---- audit trail ----

CREATE VIEW audit AS
SELECT no AS id,
	strftime('%Y-%m-%dT%H:%M:%fZ', at / 1000.0, 'unixepoch') AS at,
	source, actor, place, action, object, device, detail, previous, hash
FROM audit_log;

CREATE TRIGGER audit_insert INSTEAD OF INSERT ON audit
BEGIN
	SELECT RAISE(ABORT, 'audit: rows are written by what they tell of');
END;

CREATE TRIGGER audit_update INSTEAD OF UPDATE ON audit
BEGIN
	SELECT RAISE(ABORT, 'audit: a row is never changed');
END;

CREATE TRIGGER audit_delete INSTEAD OF DELETE ON audit
BEGIN
	SELECT RAISE(ABORT, 'audit: a row is never removed');
END;

-- A row comes in at the end, and not chained yet.  (REPLACE would remove one without a word to audit_log_delete.)
CREATE TRIGGER audit_log_replace BEFORE INSERT ON audit_log
BEGIN
	SELECT RAISE(ABORT, 'audit: a row is never replaced') WHERE EXISTS (SELECT 1 FROM audit_log WHERE no = NEW.no);
END;

CREATE TRIGGER audit_log_insert AFTER INSERT ON audit_log
BEGIN
	SELECT RAISE(ABORT, 'audit: rows are numbered 1, 2, 3, …')
	WHERE NEW.no <> COALESCE((SELECT no FROM audit_log WHERE no < NEW.no ORDER BY no DESC LIMIT 1), 0) + 1
		OR EXISTS (SELECT 1 FROM audit_log WHERE no > NEW.no);
	SELECT RAISE(ABORT, 'audit: a row is chained when it is there')
	WHERE NEW.previous IS NOT NULL OR NEW.hash IS NOT NULL;
	SELECT RAISE(ABORT, 'audit: at is in milliseconds since 1970') WHERE typeof(NEW.at) <> 'integer';
	SELECT RAISE(ABORT, 'audit: this is too long to be kept')
	WHERE length(CAST(NEW.source || COALESCE(NEW.actor, '') || COALESCE(NEW.place, '') || NEW.action
		|| COALESCE(NEW.object, '') || COALESCE(NEW.device, '') || COALESCE(NEW.detail, '') AS BLOB)) > 262144;
END;

-- One row for what one statement queues, however many get it: it costs nothing for each of them.
-- (One that is stored for its check alone, with no time, is not queued.)
CREATE TRIGGER audit_payload AFTER INSERT ON payload WHEN NEW.origin = 'sql' AND NEW.created_at > 0
BEGIN
	INSERT INTO audit_log (at, source, action, object, device, detail)
	VALUES (NEW.created_at, 'sql', 'queue_add', NEW.uuid, NEW.asked_for,
		CASE WHEN NEW.args IS NULL THEN json_object('request', NEW.request)
			ELSE json_object('request', NEW.request,
				'keys', json((SELECT json_group_array(key) FROM json_each(NEW.args)))) END);
END;

-- It is chained once (src/mdm/audit.c); nothing else of it changes.
CREATE TRIGGER audit_log_update BEFORE UPDATE ON audit_log
BEGIN
	SELECT RAISE(ABORT, 'audit: a row is never changed')
	WHERE OLD.hash IS NOT NULL OR NEW.hash IS NULL OR NEW.previous IS NULL
		OR NEW.no IS NOT OLD.no OR NEW.at IS NOT OLD.at OR NEW.source IS NOT OLD.source
		OR NEW.actor IS NOT OLD.actor OR NEW.place IS NOT OLD.place OR NEW.action IS NOT OLD.action
		OR NEW.object IS NOT OLD.object OR NEW.device IS NOT OLD.device OR NEW.detail IS NOT OLD.detail;
END;

CREATE TRIGGER audit_log_delete BEFORE DELETE ON audit_log
BEGIN
	SELECT RAISE(ABORT, 'audit: a row is never removed');
END;

-- ---- facts learnt from answers ----
--
-- Of lists the last whole answer counts: it is found by its number, or, when its time was over (mdm/retention.c), in
-- `document`.  What is put together of several answers is in `document`.

CREATE VIEW device_info AS
SELECT e.id AS device, j.key AS name, j.value AS value,
	strftime('%Y-%m-%dT%H:%M:%fZ', i.seen_at / 1000.0, 'unixepoch') AS seen_at,
	i.stale AS stale
FROM inventory i
JOIN enrollment e ON e.no = i.enrollment_no, json_each(i.document) j
WHERE i.request = 'DeviceInformation';

CREATE VIEW device_info_history AS
SELECT e.id AS device, f.name AS name,
	json_extract(f.old, '$') AS old,
	json_extract(f.new, '$') AS new,
	strftime('%Y-%m-%dT%H:%M:%fZ', f.at / 1000.0, 'unixepoch') AS at
FROM fact_change f
JOIN enrollment e ON e.no = f.enrollment_no
WHERE f.request = 'DeviceInformation';

CREATE VIEW security_info AS
SELECT e.id AS device, j.key AS name, j.value AS value,
	strftime('%Y-%m-%dT%H:%M:%fZ', i.seen_at / 1000.0, 'unixepoch') AS seen_at,
	i.stale AS stale
FROM inventory i
JOIN enrollment e ON e.no = i.enrollment_no, json_each(i.document) j
WHERE i.request = 'SecurityInfo';

CREATE VIEW security_info_history AS
SELECT e.id AS device, f.name AS name,
	json_extract(f.old, '$') AS old,
	json_extract(f.new, '$') AS new,
	strftime('%Y-%m-%dT%H:%M:%fZ', f.at / 1000.0, 'unixepoch') AS at
FROM fact_change f
JOIN enrollment e ON e.no = f.enrollment_no
WHERE f.request = 'SecurityInfo';

CREATE VIEW restriction AS
SELECT e.id AS device, k.key AS kind, j.key AS name, j.value AS value,
	strftime('%Y-%m-%dT%H:%M:%fZ', i.seen_at / 1000.0, 'unixepoch') AS seen_at,
	i.stale AS stale
FROM inventory i
JOIN enrollment e ON e.no = i.enrollment_no
LEFT JOIN answer a ON a.enrollment_no = i.enrollment_no AND a.payload_no = i.payload_no,
	json_each(COALESCE(i.document, a.response), '$.GlobalRestrictions') k,
	json_each(CASE WHEN k.type = 'object' THEN k.value ELSE '{}' END) j
WHERE i.request = 'Restrictions';

CREATE VIEW profile_restriction AS
SELECT e.id AS device, p.key AS profile, k.key AS kind, j.key AS name, j.value AS value,
	strftime('%Y-%m-%dT%H:%M:%fZ', i.seen_at / 1000.0, 'unixepoch') AS seen_at,
	i.stale AS stale
FROM inventory i
JOIN enrollment e ON e.no = i.enrollment_no
LEFT JOIN answer a ON a.enrollment_no = i.enrollment_no AND a.payload_no = i.payload_no,
	json_each(COALESCE(i.document, a.response), '$.ProfileRestrictions') p,
	json_each(CASE WHEN p.type = 'object' THEN p.value ELSE '{}' END) k,
	json_each(CASE WHEN k.type = 'object' THEN k.value ELSE '{}' END) j
WHERE i.request = 'Restrictions';

CREATE VIEW installed_app AS
SELECT e.id AS device,
	CASE WHEN j.type = 'object' THEN json_extract(j.value, '$.Identifier') END AS identifier,
	CASE WHEN j.type = 'object' THEN json_extract(j.value, '$.Name') END AS name,
	CASE WHEN j.type = 'object' THEN json_extract(j.value, '$.Version') END AS version,
	CASE WHEN j.type = 'object' THEN json_extract(j.value, '$.ShortVersion') END AS short_version,
	CASE WHEN j.type = 'object' THEN json_extract(j.value, '$.BundleSize') END AS bundle_size,
	CASE WHEN j.type = 'object' THEN json_extract(j.value, '$.DynamicSize') END AS dynamic_size,
	strftime('%Y-%m-%dT%H:%M:%fZ', i.seen_at / 1000.0, 'unixepoch') AS seen_at,
	i.stale AS stale
FROM inventory i
JOIN enrollment e ON e.no = i.enrollment_no
LEFT JOIN answer a ON a.enrollment_no = i.enrollment_no AND a.payload_no = i.payload_no,
	json_each(COALESCE(i.document, a.response), '$.InstalledApplicationList') j
WHERE i.request = 'InstalledApplicationList' AND j.type = 'object';

CREATE VIEW installed_profile AS
SELECT e.id AS device,
	CASE WHEN j.type = 'object' THEN json_extract(j.value, '$.PayloadIdentifier') END AS identifier,
	CASE WHEN j.type = 'object' THEN json_extract(j.value, '$.PayloadUUID') END AS uuid,
	CASE WHEN j.type = 'object' THEN json_extract(j.value, '$.PayloadDisplayName') END AS name,
	CASE WHEN j.type = 'object' THEN json_extract(j.value, '$.PayloadOrganization') END AS organization,
	CASE WHEN j.type = 'object' THEN json_extract(j.value, '$.IsManaged') END AS managed,
	strftime('%Y-%m-%dT%H:%M:%fZ', i.seen_at / 1000.0, 'unixepoch') AS seen_at,
	i.stale AS stale
FROM inventory i
JOIN enrollment e ON e.no = i.enrollment_no
LEFT JOIN answer a ON a.enrollment_no = i.enrollment_no AND a.payload_no = i.payload_no,
	json_each(COALESCE(i.document, a.response), '$.ProfileList') j
WHERE i.request = 'ProfileList' AND j.type = 'object';

CREATE VIEW installed_provisioning_profile AS
SELECT e.id AS device,
	CASE WHEN j.type = 'object' THEN json_extract(j.value, '$.UUID') END AS uuid,
	CASE WHEN j.type = 'object' THEN json_extract(j.value, '$.Name') END AS name,
	CASE WHEN j.type = 'object' THEN json_extract(j.value, '$.ExpiryDate') END AS expires,
	strftime('%Y-%m-%dT%H:%M:%fZ', i.seen_at / 1000.0, 'unixepoch') AS seen_at,
	i.stale AS stale
FROM inventory i
JOIN enrollment e ON e.no = i.enrollment_no
LEFT JOIN answer a ON a.enrollment_no = i.enrollment_no AND a.payload_no = i.payload_no,
	json_each(COALESCE(i.document, a.response), '$.ProvisioningProfileList') j
WHERE i.request = 'ProvisioningProfileList' AND j.type = 'object';

CREATE VIEW installed_certificate AS
SELECT e.id AS device,
	CASE WHEN j.type = 'object' THEN json_extract(j.value, '$.CommonName') END AS common_name,
	CASE WHEN j.type = 'object' THEN json_extract(j.value, '$.IsIdentity') END AS is_identity,
	CASE WHEN j.type = 'object' THEN json_extract(j.value, '$.Data') END AS certificate,
	strftime('%Y-%m-%dT%H:%M:%fZ', i.seen_at / 1000.0, 'unixepoch') AS seen_at,
	i.stale AS stale
FROM inventory i
JOIN enrollment e ON e.no = i.enrollment_no
LEFT JOIN answer a ON a.enrollment_no = i.enrollment_no AND a.payload_no = i.payload_no,
	json_each(COALESCE(i.document, a.response), '$.CertificateList') j
WHERE i.request = 'CertificateList' AND j.type = 'object';

CREATE VIEW managed_app AS
SELECT e.id AS device,
	j.key AS identifier,
	CASE WHEN j.type = 'object' THEN json_extract(j.value, '$.Status') END AS status,
	CASE WHEN j.type = 'object' THEN json_extract(j.value, '$.ManagementFlags') END AS management_flags,
	CASE WHEN j.type = 'object' THEN json_extract(j.value, '$.HasConfiguration') END AS has_configuration,
	CASE WHEN j.type = 'object' THEN json_extract(j.value, '$.HasFeedback') END AS has_feedback,
	CASE WHEN j.type = 'object' THEN json_extract(j.value, '$.IsValidated') END AS validated,
	CASE WHEN j.type = 'object' THEN json_extract(j.value, '$.ExternalVersionIdentifier') END AS external_version,
	strftime('%Y-%m-%dT%H:%M:%fZ', i.seen_at / 1000.0, 'unixepoch') AS seen_at,
	i.stale AS stale
FROM inventory i
JOIN enrollment e ON e.no = i.enrollment_no
LEFT JOIN answer a ON a.enrollment_no = i.enrollment_no AND a.payload_no = i.payload_no,
	json_each(COALESCE(i.document, a.response), '$.ManagedApplicationList') j
WHERE i.request = 'ManagedApplicationList' AND j.type = 'object';

CREATE VIEW managed_app_attribute AS
SELECT e.id AS device,
	j.key AS identifier,
	CASE WHEN j.type = 'object' THEN json_extract(j.value, '$.Attributes') END AS attributes,
	strftime('%Y-%m-%dT%H:%M:%fZ', i.seen_at / 1000.0, 'unixepoch') AS seen_at,
	i.stale AS stale
FROM inventory i
JOIN enrollment e ON e.no = i.enrollment_no,
	json_each(i.document) j
WHERE i.request = 'ManagedApplicationAttributes' AND j.type = 'object';

CREATE VIEW managed_app_configuration AS
SELECT e.id AS device,
	j.key AS identifier,
	CASE WHEN j.type = 'object' THEN json_extract(j.value, '$.Configuration') END AS configuration,
	strftime('%Y-%m-%dT%H:%M:%fZ', i.seen_at / 1000.0, 'unixepoch') AS seen_at,
	i.stale AS stale
FROM inventory i
JOIN enrollment e ON e.no = i.enrollment_no,
	json_each(i.document) j
WHERE i.request = 'ManagedApplicationConfiguration' AND j.type = 'object';

CREATE VIEW managed_app_feedback AS
SELECT e.id AS device,
	j.key AS identifier,
	CASE WHEN j.type = 'object' THEN json_extract(j.value, '$.Feedback') END AS feedback,
	strftime('%Y-%m-%dT%H:%M:%fZ', i.seen_at / 1000.0, 'unixepoch') AS seen_at,
	i.stale AS stale
FROM inventory i
JOIN enrollment e ON e.no = i.enrollment_no,
	json_each(i.document) j
WHERE i.request = 'ManagedApplicationFeedback' AND j.type = 'object';

CREATE VIEW managed_media AS
SELECT e.id AS device,
	CASE WHEN j.type = 'object' THEN json_extract(j.value, '$.iTunesStoreID') END AS itunes_store_id,
	CASE WHEN j.type = 'object' THEN json_extract(j.value, '$.PersistentID') END AS persistent_id,
	CASE WHEN j.type = 'object' THEN json_extract(j.value, '$.State') END AS state,
	CASE WHEN j.type = 'object' THEN json_extract(j.value, '$.Kind') END AS kind,
	CASE WHEN j.type = 'object' THEN json_extract(j.value, '$.Title') END AS title,
	CASE WHEN j.type = 'object' THEN json_extract(j.value, '$.Author') END AS author,
	CASE WHEN j.type = 'object' THEN json_extract(j.value, '$.Version') END AS version,
	strftime('%Y-%m-%dT%H:%M:%fZ', i.seen_at / 1000.0, 'unixepoch') AS seen_at,
	i.stale AS stale
FROM inventory i
JOIN enrollment e ON e.no = i.enrollment_no
LEFT JOIN answer a ON a.enrollment_no = i.enrollment_no AND a.payload_no = i.payload_no,
	json_each(COALESCE(i.document, a.response), '$.Books') j
WHERE i.request = 'ManagedMediaList' AND j.type = 'object';

CREATE VIEW device_user AS
SELECT e.id AS device,
	CASE WHEN j.type = 'object' THEN json_extract(j.value, '$.UserName') END AS user_name,
	CASE WHEN j.type = 'object' THEN json_extract(j.value, '$.FullName') END AS full_name,
	CASE WHEN j.type = 'object' THEN json_extract(j.value, '$.UID') END AS uid,
	CASE WHEN j.type = 'object' THEN json_extract(j.value, '$.UserGUID') END AS guid,
	CASE WHEN j.type = 'object' THEN json_extract(j.value, '$.IsLoggedIn') END AS logged_in,
	CASE WHEN j.type = 'object' THEN json_extract(j.value, '$.HasDataToSync') END AS has_data_to_sync,
	CASE WHEN j.type = 'object' THEN json_extract(j.value, '$.DataQuota') END AS data_quota,
	CASE WHEN j.type = 'object' THEN json_extract(j.value, '$.DataUsed') END AS data_used,
	CASE WHEN j.type = 'object' THEN json_extract(j.value, '$.MobileAccount') END AS mobile_account,
	CASE WHEN j.type = 'object' THEN json_extract(j.value, '$.HasSecureToken') END AS secure_token,
	strftime('%Y-%m-%dT%H:%M:%fZ', i.seen_at / 1000.0, 'unixepoch') AS seen_at,
	i.stale AS stale
FROM inventory i
JOIN enrollment e ON e.no = i.enrollment_no
LEFT JOIN answer a ON a.enrollment_no = i.enrollment_no AND a.payload_no = i.payload_no,
	json_each(COALESCE(i.document, a.response), '$.Users') j
WHERE i.request = 'UserList' AND j.type = 'object';

CREATE VIEW available_os_update AS
SELECT e.id AS device,
	CASE WHEN j.type = 'object' THEN json_extract(j.value, '$.ProductKey') END AS product_key,
	CASE WHEN j.type = 'object' THEN json_extract(j.value, '$.HumanReadableName') END AS name,
	CASE WHEN j.type = 'object' THEN json_extract(j.value, '$.ProductName') END AS product,
	CASE WHEN j.type = 'object' THEN json_extract(j.value, '$.Version') END AS version,
	CASE WHEN j.type = 'object' THEN json_extract(j.value, '$.Build') END AS build,
	CASE WHEN j.type = 'object' THEN json_extract(j.value, '$.DownloadSize') END AS download_size,
	CASE WHEN j.type = 'object' THEN json_extract(j.value, '$.InstallSize') END AS install_size,
	CASE WHEN j.type = 'object' THEN json_extract(j.value, '$.IsCritical') END AS critical,
	CASE WHEN j.type = 'object' THEN json_extract(j.value, '$.IsMajorOSUpdate') END AS major,
	CASE WHEN j.type = 'object' THEN json_extract(j.value, '$.IsSecurityResponse') END AS security_response,
	CASE WHEN j.type = 'object' THEN json_extract(j.value, '$.RestartRequired') END AS restart,
	CASE WHEN j.type = 'object' THEN json_extract(j.value, '$.DeferredUntil') END AS deferred_until,
	strftime('%Y-%m-%dT%H:%M:%fZ', i.seen_at / 1000.0, 'unixepoch') AS seen_at,
	i.stale AS stale
FROM inventory i
JOIN enrollment e ON e.no = i.enrollment_no
LEFT JOIN answer a ON a.enrollment_no = i.enrollment_no AND a.payload_no = i.payload_no,
	json_each(COALESCE(i.document, a.response), '$.AvailableOSUpdates') j
WHERE i.request = 'AvailableOSUpdates' AND j.type = 'object';

CREATE VIEW os_update_status AS
SELECT e.id AS device,
	CASE WHEN j.type = 'object' THEN json_extract(j.value, '$.ProductKey') END AS product_key,
	CASE WHEN j.type = 'object' THEN json_extract(j.value, '$.Status') END AS status,
	CASE WHEN j.type = 'object' THEN json_extract(j.value, '$.IsDownloaded') END AS downloaded,
	CASE WHEN j.type = 'object' THEN json_extract(j.value, '$.DownloadPercentComplete') END AS download_percent,
	CASE WHEN j.type = 'object' THEN json_extract(j.value, '$.MaxDeferrals') END AS max_deferrals,
	CASE WHEN j.type = 'object' THEN json_extract(j.value, '$.DeferralsRemaining') END AS deferrals_remaining,
	CASE WHEN j.type = 'object' THEN json_extract(j.value, '$.NextScheduledInstall') END AS next_install,
	strftime('%Y-%m-%dT%H:%M:%fZ', i.seen_at / 1000.0, 'unixepoch') AS seen_at,
	i.stale AS stale
FROM inventory i
JOIN enrollment e ON e.no = i.enrollment_no
LEFT JOIN answer a ON a.enrollment_no = i.enrollment_no AND a.payload_no = i.payload_no,
	json_each(COALESCE(i.document, a.response), '$.OSUpdateStatus') j
WHERE i.request = 'OSUpdateStatus' AND j.type = 'object';

CREATE VIEW active_extension AS
SELECT e.id AS device,
	CASE WHEN j.type = 'object' THEN json_extract(j.value, '$.Identifier') END AS identifier,
	CASE WHEN j.type = 'object' THEN json_extract(j.value, '$.ExtensionPoint') END AS extension_point,
	CASE WHEN j.type = 'object' THEN json_extract(j.value, '$.DisplayName') END AS name,
	CASE WHEN j.type = 'object' THEN json_extract(j.value, '$.ContainerIdentifier') END AS container,
	CASE WHEN j.type = 'object' THEN json_extract(j.value, '$.Version') END AS version,
	CASE WHEN j.type = 'object' THEN json_extract(j.value, '$.UserElection') END AS user_election,
	strftime('%Y-%m-%dT%H:%M:%fZ', i.seen_at / 1000.0, 'unixepoch') AS seen_at,
	i.stale AS stale
FROM inventory i
JOIN enrollment e ON e.no = i.enrollment_no
LEFT JOIN answer a ON a.enrollment_no = i.enrollment_no AND a.payload_no = i.payload_no,
	json_each(COALESCE(i.document, a.response), '$.Extensions') j
WHERE i.request = 'ActiveNSExtensions' AND j.type = 'object';

CREATE VIEW extension_mapping AS
SELECT e.id AS device,
	CASE WHEN j.type = 'object' THEN json_extract(j.value, '$.Identifier') END AS identifier,
	CASE WHEN j.type = 'object' THEN json_extract(j.value, '$.ExtensionPoint') END AS extension_point,
	CASE WHEN j.type = 'object' THEN json_extract(j.value, '$.DisplayName') END AS name,
	strftime('%Y-%m-%dT%H:%M:%fZ', i.seen_at / 1000.0, 'unixepoch') AS seen_at,
	i.stale AS stale
FROM inventory i
JOIN enrollment e ON e.no = i.enrollment_no
LEFT JOIN answer a ON a.enrollment_no = i.enrollment_no AND a.payload_no = i.payload_no,
	json_each(COALESCE(i.document, a.response), '$.Extensions') j
WHERE i.request = 'NSExtensionMappings' AND j.type = 'object';
