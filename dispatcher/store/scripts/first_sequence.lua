-- Gives the sequence number, on the account, of a batch's first recipient. ARGV: id, n.
local first = redis.call('HGET', key(K.campaign, ARGV[1]), 'first')
return string.format('%.0f', tonumber(first) + span(ARGV[1], tonumber(ARGV[2])))
