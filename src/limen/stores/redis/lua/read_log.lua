-- arg 1 after, 2 limit
return { 'log', redis.call('XRANGE', P .. 'log', '(' .. arg(1) .. '-0', '+', 'COUNT', arg(2)) }
