"""Bounds of the gateway: everything that outsiders can grow has one here."""

HEAD_BYTES_MAX = 16 * 1024
"""The head of a request. It is also the piece in which what comes is parsed, so that a bound is noticed within a piece."""

URL_BYTES_MAX = 8 * 1024
"""The target of a request: path and query."""

HEADERS_MAX = 100
"""Header lines of a request (and of a body's trailer): each costs a call, however short it is."""

HEAD_WAIT_S_MAX = 10.0
"""How long a request's head may take to arrive, from the opening of its connection or from its first byte."""

BODY_BYTES_MAX = 64 * 1024
"""The body of one request."""

SIGN_IN_BYTES_MAX = 4 * 1024
"""The body of a sign-in: nobody is known yet to whom a larger one could be counted."""

BULK_BYTES_MAX = 4 * 1024 * 1024
"""The body of `POST /v1/commands`."""

WAITING_BYTES = 64 * 1024
"""What of a body may wait for the application before no more is read."""

BODY_WAIT_S_MAX = 60.0
"""How long a request's body may take to arrive: the largest on a slow line."""

BODY_SILENCE_S_MAX = 10.0
"""How long nothing may come of a body that has begun."""

BODIES_BYTES_MAX = 256 * 1024 * 1024
"""All bodies that wait, for their rest or for their answer. Of what is free a quarter may be one user's."""

PIPELINE_MAX = 64
"""Requests that wait on a connection for the answer to one before them; a connection that sends more is closed after them."""

ROUND_NS = 4_000_000
"""What all clients together may cost the loop, parsing and asking, before everything else on it has its turn."""

ASKING_NS = 400_000
"""What a request that goes through the application is taken to cost."""

LINE_NS = 8_000
"""What a line of `POST /v1/commands` is taken to cost."""

SHORT_WAYS_MAX = 16
"""Wagers of one piece that go the short way, where each is answered at once; those that follow go the long way, one by one."""

UNREAD_BYTES_MAX = 1024 * 1024
"""What still comes after the last answer of a connection, before it is cut."""

LINGER_S_MAX = 2.0
"""How long a client that is being refused may take to read why, while it still sends."""

CONNECTIONS_MAX = 20_000
"""Connections of the server; fewer if the system allows it fewer files."""

BACKLOG = 2_048
"""Connections that the system has accepted and the server has not seen yet."""

ACCEPTED_AT_ONCE = 64
"""Connections with TLS that are let in before the loop has its turn."""

STOP_S = 5
"""How long answers that are under way may take once the server stops, in whole seconds; then their connections are cut."""

LEAVE_S = 2.0
"""How long an idle connection is kept once the server stops whose sockets another one takes over: what is asked on it by then is
answered, and its client told to come anew."""

FILES_KEPT = 512
"""Files that connections never take: the database's, those of the helpers."""

LOOKED_AT = 64
"""Connections that are looked at for one that can make room for a new one."""

ADDRESS_CONNECTIONS_MAX = 256
"""Connections of one address on which nobody is signed in."""

ADDRESS_OPENED_MAX = 256
"""Connections that one address opens in a second: as many as it may have at once. Each costs the loop some 0.1 ms before
anybody has asked anything, with TLS ten times as much."""

USER_CONNECTIONS_MAX = 128
"""Connections of one user without a live stream. A browser opens six, and what a program sends over 64 it does not send
faster over more; each costs all others its part of every round of the loop."""

USER_CONNECTIONS_MIN = 16
"""Connections that a user may have however many the others have; more as long as as many are free."""

KEEP_ALIVE_S = 75.0
"""How long an idle connection is kept."""

KEEP_ALIVE_SCARCE_S = 5.0
"""How long an idle connection is kept when half of all connections are taken."""

WORKER_SILENT_S_MAX = 15.0
"""How long a process that hashes passwords may take over one of them before it is taken for hung: it is ended and replaced, and
who waits for it hears `unavailable`."""

PASSWORDS_WAITING_MAX = 64
"""Passwords waiting to be hashed or checked; about 25 ms each."""

PASSWORDS_OF_ONE_MAX = 8
"""Of these, those of one user name from one address."""

PASSWORD_LENGTH_MIN = 8
PASSWORD_LENGTH_MAX = 256

ASKED_LENGTH_MAX = 256
"""Characters of a text that a query is asked with."""

TRIES_WAITING_MAX = 16
"""Sign-ins of one user from one address at once; they are checked one after the other."""

SESSION_FAILURES_MAX = 5
"""Wrong passwords of whoever is signed in (to confirm a session, or to change the password); then the session ends."""

FAILURES_LOGGED = (1, 3, 10, 30, 100, 300, 1_000)
"""The wrong passwords for one user within TRIES_NS that become an entry of the log: so many entries an hour at most."""

TOKEN_LENGTH_MAX = 256
"""Characters of a session's token: the name of its stream, and 43. What is longer names no stream."""

DEVICE_LENGTH_MAX = 64
"""Characters of a device's token."""

DEVICE_S = 400 * 24 * 3_600
"""How long a browser keeps its device's token."""

DELIVERIES_ASKED_MAX = 64
"""Deliveries that one user waits for at once."""

DELIVERY_WAIT_S = 2.0
"""How long one of them waits until the position is on screens."""

DELIVERIES = 1_000
"""The last frames of each stream of which it is known when they were written."""

JOINS_AT_ONCE = 16
"""Screens that join before the loop has its turn."""

SCREENS_AT_ONCE = 200
"""Screens that are written to before the loop has its turn."""

READY_WAIT_S = 2.0
"""How long who asks whether commands can be recorded waits for whoever owns the streams."""

HEALTH_S = 1.0
"""How often those who follow `health` are told."""

HEARTBEAT_S = 5.0
"""The silence after which a stream says that it is alive."""

BACKLOG_BYTES_MAX = 2 * 1024 * 1024
"""What waits for a screen that does not read; beyond it the stream is reset, `lagged`."""

STALLED_S_MAX = 30.0
"""How long a client may leave what is written to it unread, before its connection is cut."""

SEND_BUFFER_BYTES = 64 * 1024
"""What the system is asked to keep for a client that does not read (Linux keeps twice as much)."""

REQUEST_ID_LENGTH_MAX = 64
"""Characters of the id that a client gives its request."""

PARAMETERS_MAX = 32
"""Parameters of a query string; no route takes as many."""

CSV_ROWS_MAX = 100_000
"""Rows of one answer in CSV. An answer that would have more, and was not asked for fewer, is broken off there: a window makes
it smaller."""

CSV_PAGE_ROWS = 100
"""Rows that are asked for at once for such an answer: about 2 ms of the loop, after each of which others have their turn."""
