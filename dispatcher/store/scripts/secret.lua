-- Gives a secret of the account, made on first use: on a full server too, where a STOP has to be heeded. It
-- needs nothing of what scripts share. KEYS: its own, and the account's hash, where earlier versions
-- had it under the same name. ARGV: that name, and a new secret.
redis.call('SET', KEYS[1], redis.call('HGET', KEYS[2], ARGV[1]) or ARGV[2], 'NX')
return redis.call('GET', KEYS[1])
