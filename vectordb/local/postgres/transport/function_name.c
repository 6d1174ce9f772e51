/*
 * The forms of a function's name:
 * name, ACCOUNT:function:name, REGION:ACCOUNT:function:name, arn:PARTITION:lambda:REGION:ACCOUNT:function:name,
 * each with an optional :qualifier. https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html
 */
#include "aws_lambda.h"

#include <ctype.h>

#define LONGEST_NAME 170
#define MOST_PARTS 8			/* arn:aws:lambda:region:account:function:name:qualifier */

void
parse_function_name(const char *given, FunctionName *parsed)
{
	char	   *parts[MOST_PARTS + 1];
	int			count = 0;
	int			name = 0;		/* which part is the name itself */
	char	   *copy = pstrdup(given);
	size_t		length = strlen(given);

	if (length == 0 || length > LONGEST_NAME)
		refuse("function name", given);
	for (const char *at = given; *at; at++)
		if (!isalnum((unsigned char) *at) && strchr(":_$.-", *at) == NULL)
			refuse("function name", given);

	for (char *part = copy; part != NULL;)
	{
		char	   *colon = strchr(part, ':');

		if (colon != NULL)
			*colon = '\0';
		if (count > MOST_PARTS)
			refuse("function name", given);
		parts[count++] = part;
		part = colon == NULL ? NULL : colon + 1;
	}
	for (int i = 1; i < count && i <= 5; i++)
		if (strcmp(parts[i], "function") == 0)
		{
			name = i + 1;
			break;
		}
	/* 0: a bare name; 2, 3, 6: after ACCOUNT:function, REGION:ACCOUNT:function, arn:...:function */
	if (!(name == 0 || name == 2 || name == 3 || (name == 6 && strcmp(parts[0], "arn") == 0 && strcmp(parts[2], "lambda") == 0)))
		refuse("function name", given);
	if (count < name + 1 || count > name + 2)
		refuse("function name", given);
	for (int i = 0; i < count; i++)
		if (parts[i][0] == '\0')
			refuse("function name", given);
	parsed->region = name == 6 ? parts[3] : name == 3 ? parts[0] : NULL;
	parsed->qualifier = count == name + 2 ? parts[name + 1] : NULL;
}
