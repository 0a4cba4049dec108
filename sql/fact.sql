-- How the facts of a device have changed; twin of src/mdm/fact.c.

-- name: fact_add
INSERT INTO fact_change (enrollment_no, request, name, old, new, at) VALUES ($1, $2, $3, $4, $5, $6);
