/*
 * Read an HTTP/1.1 reply: its head, then a body of the announced length or in chunks. What is not sound is an error; a body is never cut.
 */
#include "aws_lambda.h"

#include "mb/pg_wchar.h"

#include <ctype.h>

#define LARGEST_HEAD 65536
#define LONGEST_CHUNK_LINE 1024

/* The bytes received and how far they were read. */
typedef struct Reader
{
	Connection *connection;
	StringInfo	in;
	int			at;
} Reader;

static int
available(const Reader *reader)
{
	return reader->in->len - reader->at;
}

static void
need_more(Reader *reader)
{
	if (!receive_more(reader->connection))
		fail_client(SAID_PARTIAL);
}

/* The length of the next line without its CRLF, waiting for it; the reader stays before it. */
static int
next_line(Reader *reader, int longest)
{
	int			looked = 0;

	for (;;)
	{
		const char *from = reader->in->data + reader->at;
		int			count = available(reader);

		for (; looked + 1 < count; looked++)
			if (from[looked] == '\r' && from[looked + 1] == '\n')
				return looked;
		if (count > longest)
			fail_client(SAID_WEIRD_REPLY);
		need_more(reader);
	}
}

/* Move one line, with its CRLF, to `into`; false when it was empty. */
static bool
take_line(Reader *reader, StringInfo into, int longest)
{
	int			length = next_line(reader, longest);

	appendBinaryStringInfo(into, reader->in->data + reader->at, length + 2);
	reader->at += length + 2;
	return length > 0;
}

/* Move `count` bytes of the body to `into`. */
static void
take_bytes(Reader *reader, StringInfo into, long count)
{
	while (count > 0)
	{
		int			now;

		if (available(reader) == 0)
		{
			/* All of it was moved: start over, or a large body would be held twice. */
			resetStringInfo(reader->in);
			reader->at = 0;
			need_more(reader);
		}
		now = Min(count, available(reader));
		appendBinaryStringInfo(into, reader->in->data + reader->at, now);
		reader->at += now;
		count -= now;
	}
}

/* The status line and the headers up to the empty line. */
static void
take_head(Reader *reader, HttpReply *reply)
{
	const char *line;

	resetStringInfo(&reply->head);
	/* Judge what came before waiting for a line's end: something that is not HTTP may never send one. */
	while (available(reader) < 5)
		need_more(reader);
	if (memcmp(reader->in->data + reader->at, "HTTP/", 5) != 0)
		fail_client(SAID_WEIRD_REPLY);
	while (take_line(reader, &reply->head, LARGEST_HEAD))
		if (reply->head.len > LARGEST_HEAD)
			fail_client(SAID_WEIRD_REPLY);
	line = reply->head.data;
	if (reply->head.len < 14 || strncmp(line, "HTTP/1.", 7) != 0 || !isdigit((unsigned char) line[7]) || line[8] != ' ' ||
		!isdigit((unsigned char) line[9]) || !isdigit((unsigned char) line[10]) || !isdigit((unsigned char) line[11]) ||
		isdigit((unsigned char) line[12]) || !pg_verifymbstr(line, reply->head.len, true))
		fail_client(SAID_WEIRD_REPLY);
	reply->status = atoi(line + 9);
}

/* The value of a header, or NULL; of several of one name the first. */
char *
header_value(const HttpReply *reply, const char *name)
{
	size_t		length = strlen(name);
	const char *line = strstr(reply->head.data, "\r\n");

	for (; line != NULL; line = strstr(line, "\r\n"))
	{
		line += 2;
		if (pg_strncasecmp(line, name, length) == 0 && line[length] == ':')
		{
			const char *value = line + length + 1;
			const char *end = strstr(value, "\r\n");

			while (*value == ' ' || *value == '\t')
				value++;
			while (end > value && (end[-1] == ' ' || end[-1] == '\t'))
				end--;
			return pnstrdup(value, end > value ? end - value : 0);
		}
	}
	return NULL;
}

/* A whole number in a base, or an error: what follows it must be `end` or the end of the text. */
static long
number(const char *text, int base, char end)
{
	char	   *rest;
	long		value;

	if (!isxdigit((unsigned char) *text))
		fail_client(SAID_WEIRD_REPLY);
	errno = 0;
	value = strtol(text, &rest, base);
	while (*rest == ' ')
		rest++;
	if (errno != 0 || value < 0 || (*rest != '\0' && *rest != end))
		fail_client(SAID_WEIRD_REPLY);
	return value;
}

static void
take_chunks(Reader *reader, StringInfo body)
{
	StringInfoData line;
	long		size;

	initStringInfo(&line);
	for (;;)
	{
		resetStringInfo(&line);
		if (!take_line(reader, &line, LONGEST_CHUNK_LINE))
			fail_client(SAID_WEIRD_REPLY);
		line.data[line.len - 2] = '\0';
		size = number(line.data, 16, ';');
		if (size > service.largest_response - body->len)
			fail_client(SAID_TOO_LARGE);
		if (size == 0)
			break;
		take_bytes(reader, body, size);
		resetStringInfo(&line);
		if (take_line(reader, &line, LONGEST_CHUNK_LINE))
			fail_client(SAID_WEIRD_REPLY);
	}
	do
		resetStringInfo(&line);
	while (take_line(reader, &line, LARGEST_HEAD));	/* trailers */
}

static void
take_body(Reader *reader, HttpReply *reply)
{
	char	   *encoding = header_value(reply, "Transfer-Encoding");
	char	   *announced = header_value(reply, "Content-Length");
	long		length;

	if (reply->status == 204 || reply->status == 304)
		return;
	if (encoding != NULL)
	{
		if (pg_strcasecmp(encoding, "chunked") != 0)
			fail_client(SAID_WEIRD_REPLY);
		take_chunks(reader, &reply->body);
		return;
	}
	/* Without a length the end of the connection would end the body, and a cut one could not be told from a whole one. */
	if (announced == NULL)
		fail_client(SAID_WEIRD_REPLY);
	length = number(announced, 10, '\0');
	if (length > service.largest_response)
		fail_client(SAID_TOO_LARGE);
	take_bytes(reader, &reply->body, length);
}

void
read_reply(Connection *connection, StringInfo in, HttpReply *reply)
{
	Reader		reader = {.connection = connection,.in = in,.at = 0};
	char	   *kept;

	initStringInfo(&reply->head);
	initStringInfo(&reply->body);
	do
		take_head(&reader, reply);
	while (reply->status >= 100 && reply->status < 200);	/* interim replies */
	take_body(&reader, reply);
	if (!pg_verifymbstr(reply->body.data, reply->body.len, true))
		fail_client("Response is not valid UTF-8");
	kept = header_value(reply, "Connection");
	/* More bytes than the reply has: what would they be the answer to? */
	reply->reusable = available(&reader) == 0 && strncmp(reply->head.data, "HTTP/1.0", 8) != 0 &&
		(kept == NULL || pg_strcasecmp(kept, "close") != 0);
}
