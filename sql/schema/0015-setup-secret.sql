-- The arguments of a setup command that hold a secret, sealed; args shows them without it (mdm/command_secret.c).
ALTER TABLE setup_step ADD COLUMN sealed_args BLOB;
