-- Whether there is anything to reconcile, and the server's time in ms.
return { settled and 'settled' or 'survey', num(math.floor(clock() / 1000)) }
