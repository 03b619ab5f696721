-- Gives the secret of the suppression list's digests, made on first use: on a full server too, where
-- a STOP has to be heeded. It needs nothing of what scripts share. ARGV: a new secret.
redis.call('HSETNX', KEYS[1], 'suppression_key', ARGV[1])
return redis.call('HGET', KEYS[1], 'suppression_key')
