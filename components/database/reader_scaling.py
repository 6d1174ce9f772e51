"""Aurora readers that come and go with the load.

Creates: aws:appautoscaling/target:Target, aws:appautoscaling/policy:Policy. The readers themselves are AWS's: they are
named `application-autoscaling-…`, have the writer's class and the last promotion tier (Aurora User Guide, Auto Scaling
with Aurora Replicas). They keep a cluster from being destroyed: scale in first.
"""

import pulumi
import pulumi_aws as aws

COOLDOWN_SECONDS = 300
MOST_READERS = 15
"""Of a cluster (Aurora User Guide, quotas)."""
DIMENSION = "rds:cluster:ReadReplicaCount"
READER_NAMES = "application-autoscaling-*"


def scale_readers(
    name: str,
    cluster_identifier: pulumi.Input[str],
    *,
    minimum: int,
    maximum: int,
    cpu_percent: int,
    opts: pulumi.ResourceOptions,
) -> list[pulumi.Resource]:
    """Keep the readers' average CPU at a target by adding and removing readers.

    Args:
        name: the component's name.
        cluster_identifier: the cluster.
        minimum: the readers that are always there. At least one is kept, whose load is what is measured.
        maximum: readers in all, up to 15.
        cpu_percent: the target.
        opts: the parent, and the instances that have to be there.

    Raises:
        ValueError: the maximum is below the readers that are always there, or above 15.
    """
    if not max(minimum, 1) <= maximum <= MOST_READERS:
        raise ValueError(f"reader_scaling_max is {maximum}; it must be {max(minimum, 1)} (readers) to {MOST_READERS}")
    target = aws.appautoscaling.Target(
        f"{name}-readers",
        service_namespace="rds",
        scalable_dimension=DIMENSION,
        resource_id=pulumi.Output.format("cluster:{0}", cluster_identifier),
        min_capacity=max(minimum, 1),
        max_capacity=maximum,
        opts=opts,
    )
    policy = aws.appautoscaling.Policy(
        f"{name}-readers",
        name=f"{name}-readers",
        policy_type="TargetTrackingScaling",
        service_namespace=target.service_namespace,
        scalable_dimension=target.scalable_dimension,
        resource_id=target.resource_id,
        target_tracking_scaling_policy_configuration={
            "predefined_metric_specification": {"predefined_metric_type": "RDSReaderAverageCPUUtilization"},
            "target_value": cpu_percent,
            "scale_in_cooldown": COOLDOWN_SECONDS,
            "scale_out_cooldown": COOLDOWN_SECONDS,
        },
        opts=pulumi.ResourceOptions(parent=opts.parent),
    )
    return [target, policy]
