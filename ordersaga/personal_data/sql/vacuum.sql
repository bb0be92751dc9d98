-- Clears the old versions of rows, which still hold wrapped keys, out of the table.
VACUUM personal_data.data_keys
