"""Answers that need no state, in AWS's own shapes: botocore reads them."""


def test_a_new_account_blocks_no_public_access(emulator):
    answer = emulator.client("ec2", region="eu-west-1").describe_vpc_block_public_access_options()
    assert answer["VpcBlockPublicAccessOptions"] == {
        "AwsAccountId": "123456789012",
        "AwsRegion": "eu-west-1",
        "State": "default-state",
        "InternetGatewayBlockMode": "off",
        "ManagedBy": "account",
        "ExclusionsAllowed": "allowed",
    }


def test_every_model_may_be_used(emulator):
    answer = emulator.client("bedrock").get_foundation_model_availability(modelId="cohere.embed-multilingual-v3")
    del answer["ResponseMetadata"]
    assert answer == {
        "modelId": "cohere.embed-multilingual-v3",
        "agreementAvailability": {"status": "AVAILABLE"},
        "authorizationStatus": "AUTHORIZED",
        "entitlementAvailability": "AVAILABLE",
        "regionAvailability": "AVAILABLE",
    }


def test_the_rest_of_ec2_is_moto_s(emulator):
    zones = emulator.client("ec2").describe_availability_zones()["AvailabilityZones"]
    assert zones[0]["ZoneName"] == "us-east-1a"
