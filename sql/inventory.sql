-- Facts learnt from answers; twin of src/mdm/inventory.c.

-- name: inventory_replace
INSERT INTO inventory (enrollment_no, request, payload_no, seen_at) VALUES ($1, $2, $3, $4)
ON CONFLICT (enrollment_no, request) DO UPDATE
SET payload_no = excluded.payload_no, document = NULL, seen_at = excluded.seen_at, stale = 0;

-- name: inventory_document
SELECT document, stale FROM inventory WHERE enrollment_no = $1 AND request = $2;

-- name: inventory_merge
INSERT INTO inventory (enrollment_no, request, document, seen_at) VALUES ($1, $2, $3, $4)
ON CONFLICT (enrollment_no, request) DO UPDATE SET document = excluded.document, seen_at = excluded.seen_at, stale = 0;

-- name: inventory_device_facts
UPDATE enrollment
SET name = COALESCE($2, name), model = COALESCE($3, model), product = COALESCE($4, product),
	os_version = COALESCE($5, os_version), os_major = COALESCE($6, os_major), build = COALESCE($7, build),
	serial = COALESCE(serial, $8), model_name = COALESCE($9, model_name), supervised = COALESCE($10, supervised),
	multi_user = COALESCE($11, multi_user)
WHERE no = $1;

-- name: inventory_management
UPDATE enrollment
SET enrolled_via_dep = COALESCE($2, enrolled_via_dep), user_approved = COALESCE($3, user_approved)
WHERE no = $1;

-- name: inventory_mark_stale
-- The device, and its user channels.
UPDATE inventory SET stale = 1
WHERE enrollment_no = $1 OR enrollment_no IN (SELECT no FROM enrollment WHERE device_no = $1);
