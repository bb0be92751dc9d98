-- Removes old row versions, which still hold encrypted keys, from the table.
VACUUM personal_data.data_keys
