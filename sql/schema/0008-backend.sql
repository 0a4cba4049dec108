-- Declarative management, tokens of services, return to service.

-- What a device or user last reported of its declarations.
CREATE TABLE ddm_status (
	enrollment_no BIGINT PRIMARY KEY,
	received_at BIGINT NOT NULL,
	-- The last report, as it came (JSON).
	report TEXT NOT NULL,
	-- The last StatusItems.management.declarations that one held (JSON), as most reports tell of changes alone; and when.
	declarations TEXT,
	declarations_at BIGINT
);

-- Who makes the tokens that devices ask for with GetToken.
CREATE TABLE token_source (
	-- TokenServiceType: com.apple.maid, com.apple.watch.pairing, …
	type TEXT PRIMARY KEY,
	-- maid: signed here; hook: asked for at url
	method TEXT NOT NULL,
	url TEXT,
	-- server_uuid of the MDM server in Apple Business or School Manager.
	issuer TEXT,
	-- Its private key; sealed.
	key BLOB,
	changed_at BIGINT NOT NULL
);

-- Profiles that a device gets when it returns to service.
CREATE TABLE return_profile (
	-- wifi, mdm
	kind TEXT PRIMARY KEY,
	-- Sealed.
	profile BLOB NOT NULL,
	size BIGINT NOT NULL,
	changed_at BIGINT NOT NULL
);
