// Aurora that pauses when idle, reached over the Data API only, with Amazon S3 Vectors in its SQL: no bastion, one endpoint.
// `pulumi package add ../../components` makes @pulumi/vectordb from the components' schema.
import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import * as vectordb from "@pulumi/vectordb";

export = async () => {
    const account = (await aws.getCallerIdentity()).accountId;
    const region = (await aws.getRegion()).region;
    const { partition, dnsSuffix } = await aws.getPartition();
    // Awaited, because it decides how many subnets there are.
    // Not Local Zones: an account that has opted in to some would get those first.
    const regular = [{ name: "opt-in-status", values: ["opt-in-not-required"] }];
    const zones = (await aws.getAvailabilityZones({ state: "available", filters: regular })).names.slice(0, 2);
    const tags = { Team: "search" };

    const encryption = new vectordb.Encryption("encryption", { account, region, partition, dnsSuffix, tags });

    const network = new vectordb.Network("network", {
        account,
        region,
        partition,
        keyArn: encryption.keyArn,
        cidr: "10.50.0.0/16",
        zones,
        services: ["lambda"],
        tags,
    });

    const vectors = new vectordb.S3VectorStore("vectors", {
        bucketName: `${account}-${pulumi.getProject()}-${pulumi.getStack()}`,
        keyArn: encryption.keyArn,
        indexes: [{ name: "docs", dimension: 256, metric: "cosine" }],
        tags,
    });

    const bridge = new vectordb.LambdaBridge("bridge", {
        account,
        region,
        partition,
        keyArn: encryption.keyArn,
        indexArns: vectors.indexArns,
        tags,
    });

    const database = new vectordb.AuroraDatabase("database", {
        account,
        region,
        partition,
        keyArn: encryption.keyArn,
        vpcId: network.vpcId,
        subnetIds: network.subnetIds,
        version: "18",
        minCapacity: 0,
        maxCapacity: 4,
        dataApi: true,
        endpointSecurityGroupId: network.endpointSecurityGroupIds["lambda"],
        functions: { bridge: bridge.functionArn },
        tags,
    });

    // Through the endpoint, this database invokes this function, and that is all.
    const invoke = new vectordb.EndpointPolicy("invoke", {
        endpointId: network.endpointIds["lambda"],
        actions: ["lambda:InvokeFunction"],
        resources: [bridge.functionArn],
        principals: [database.invokerRoleArn],
    });

    const sql = new vectordb.SqlSchema(
        "sql",
        {
            directory: "../..", // the checkout, with its sql/ and its .venv
            transport: "data-api",
            clusterArn: database.arn,
            host: database.endpoint,
            port: database.port,
            databaseName: database.databaseName,
            region,
            secretArn: database.secretArn,
            resourceId: database.resourceId,
            functionArn: bridge.functionArn,
            indexArns: vectors.indexArns,
            indexes: [{ name: "docs", dimension: 256, metric: "cosine" }],
            users: [{ name: "app", access: "writer" }],
        },
        { dependsOn: [invoke] },
    );

    return { endpoint: database.endpoint, clusterArn: database.arn, sqlApplied: sql.applied };
};
