-- What a command has to fit: the kind of a device.

-- 1: a Shared iPad; 0; NULL: the device has not told since it enrolled.
ALTER TABLE enrollment ADD COLUMN multi_user INTEGER;
