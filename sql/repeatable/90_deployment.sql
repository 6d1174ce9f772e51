-- What the deployment declares: the function and the indexes. Applied again whenever one of them changes.

SET LOCAL ROLE vectordb_owner;

SELECT s3vl.deploy(:{function_arn}, :{indexes}::jsonb);
