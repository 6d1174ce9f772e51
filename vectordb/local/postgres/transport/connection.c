/*
 * One connection to the endpoint, kept open between the calls of a session; every wait can be interrupted.
 */
#include "aws_lambda.h"

#include "miscadmin.h"
#include "storage/fd.h"
#include "storage/latch.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"
#include "utils/wait_event.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#ifndef MSG_NOSIGNAL			/* macOS; PostgreSQL ignores SIGPIPE anyway */
#define MSG_NOSIGNAL 0
#endif

#define ENDPOINT_SCHEME "http://"
#define RECEIVE_AT_ONCE 65536

struct Connection
{
	int			socket;			/* -1: not connected */
	bool		reused;			/* an earlier call used it */
	TimestampTz deadline;		/* of the request under way */
	StringInfo	in;				/* what was received of the reply */
};

static Connection the_connection = {.socket = -1};

static void
disconnect(Connection *connection)
{
	if (connection->socket < 0)
		return;
	close(connection->socket);
	ReleaseExternalFD();
	connection->socket = -1;
}

/* Wait until the socket is ready, the deadline passes (an error with the words of `late`), or the statement is cancelled. */
static void
wait_for(const Connection *connection, int events, TimestampTz deadline, const char *late)
{
	for (;;)
	{
		long		left = TimestampDifferenceMilliseconds(GetCurrentTimestamp(), deadline);
		int			happened;

		if (left <= 0)
			fail_client(late);
		happened = WaitLatchOrSocket(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH | events,
									 connection->socket, left, PG_WAIT_EXTENSION);
		if (happened & WL_LATCH_SET)
		{
			ResetLatch(MyLatch);
			CHECK_FOR_INTERRUPTS();
		}
		if (happened & events)
			return;
	}
}

/* The address of `http://a.b.c.d:port`; only numbers and localhost, for looking up a name could not be interrupted. */
static struct sockaddr_in
endpoint_address(void)
{
	struct sockaddr_in address = {.sin_family = AF_INET};
	char		host[64];
	int			port = 80;
	const char *given = endpoint_override == NULL ? "" : endpoint_override;

	if (strncmp(given, ENDPOINT_SCHEME, strlen(ENDPOINT_SCHEME)) != 0 ||
		sscanf(given + strlen(ENDPOINT_SCHEME), "%63[^:/]:%d", host, &port) < 1 || port < 1 || port > 65535 ||
		inet_pton(AF_INET, strcmp(host, "localhost") == 0 ? "127.0.0.1" : host, &address.sin_addr) != 1)
		fail_client(SAID_CANNOT_CONNECT);
	address.sin_port = htons(port);
	return address;
}

static void
connect_to_endpoint(Connection *connection)
{
	struct sockaddr_in address = endpoint_address();
	TimestampTz deadline = TimestampTzPlusMilliseconds(GetCurrentTimestamp(), service.connect_timeout_ms);
	int			one = 1;
	int			failure = 0;
	socklen_t	size = sizeof(failure);

	if (!AcquireExternalFD())
		fail_client(SAID_CANNOT_CONNECT);
	connection->socket = socket(AF_INET, SOCK_STREAM, 0);
	if (connection->socket < 0)
	{
		ReleaseExternalFD();
		fail_client(SAID_CANNOT_CONNECT);
	}
	connection->reused = false;
	if (fcntl(connection->socket, F_SETFD, FD_CLOEXEC) < 0 || !pg_set_noblock(connection->socket))
		fail_client(SAID_CANNOT_CONNECT);
	(void) setsockopt(connection->socket, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	if (connect(connection->socket, (struct sockaddr *) &address, sizeof(address)) == 0)
		return;
	if (errno != EINPROGRESS && errno != EINTR)
		fail_client(SAID_CANNOT_CONNECT);
	wait_for(connection, WL_SOCKET_CONNECTED, deadline, SAID_CANNOT_CONNECT);
	if (getsockopt(connection->socket, SOL_SOCKET, SO_ERROR, &failure, &size) < 0 || failure != 0)
		fail_client(SAID_CANNOT_CONNECT);
}

/* Whether the server has closed a connection that lies idle, or sent what nobody asked for. */
static bool
is_stale(const Connection *connection)
{
	char		byte;
	ssize_t		got = recv(connection->socket, &byte, 1, MSG_PEEK);

	return got >= 0 || (errno != EAGAIN && errno != EWOULDBLOCK);
}

/* False when the connection broke. */
static bool
send_all(const Connection *connection, const char *bytes, size_t count)
{
	while (count > 0)
	{
		ssize_t		sent = send(connection->socket, bytes, count, MSG_NOSIGNAL);

		if (sent > 0)
		{
			bytes += sent;
			count -= sent;
		}
		else if (errno == EAGAIN || errno == EWOULDBLOCK)
			wait_for(connection, WL_SOCKET_WRITEABLE, connection->deadline, SAID_TIMEOUT);
		else if (errno != EINTR)
			return false;
	}
	return true;
}

/* Append what the server has sent to the buffer; waits for at least a byte. False when it has closed the connection. */
bool
receive_more(Connection *connection)
{
	StringInfo	in = connection->in;

	for (;;)
	{
		ssize_t		got;

		enlargeStringInfo(in, RECEIVE_AT_ONCE);
		got = recv(connection->socket, in->data + in->len, RECEIVE_AT_ONCE, 0);
		if (got > 0)
		{
			in->len += got;
			in->data[in->len] = '\0';
			return true;
		}
		if (got == 0)
			return false;
		if (errno == EAGAIN || errno == EWOULDBLOCK)
			wait_for(connection, WL_SOCKET_READABLE, connection->deadline, SAID_TIMEOUT);
		else if (errno != EINTR)
			return false;
	}
}

/*
 * Send the request and wait for the first bytes of its reply. False when a connection of an earlier call turned out to be dead before
 * anything of a reply came: the server may have closed it while the request was on its way.
 */
static bool
send_request(Connection *connection, const StringInfoData *request)
{
	connection->deadline = TimestampTzPlusMilliseconds(GetCurrentTimestamp(), service.request_timeout_ms);
	resetStringInfo(connection->in);
	/* A server may answer, and close, before it has read all: its answer counts, not our failure to send. */
	(void) send_all(connection, request->data, request->len);
	return receive_more(connection);
}

/*
 * Carry out one request. A reply that returns is whole. Whatever fails, an interrupt too, closes the connection.
 */
void
exchange(const StringInfoData *request, HttpReply *reply)
{
	Connection *connection = &the_connection;

	PG_TRY();
	{
		connection->in = makeStringInfo();
		if (connection->socket >= 0 && is_stale(connection))
			disconnect(connection);
		if (connection->socket < 0)
			connect_to_endpoint(connection);
		if (!send_request(connection, request))
		{
			/* Once more, on a new connection, is safe: nobody answered this one. */
			if (!connection->reused)
				fail_client(SAID_NOTHING);
			disconnect(connection);
			connect_to_endpoint(connection);
			if (!send_request(connection, request))
				fail_client(SAID_NOTHING);
		}
		read_reply(connection, connection->in, reply);
	}
	PG_CATCH();
	{
		disconnect(connection);
		PG_RE_THROW();
	}
	PG_END_TRY();
	connection->in = NULL;
	connection->reused = true;
	if (!reply->reusable)
		disconnect(connection);
}
