"""What the videos of a device must have in common, for readers of every format."""

from __future__ import annotations

from miniscope_nwb.recording import Device, Problem, VideoPart


def check_videos(device: Device) -> list[Problem]:
    """Compare the videos of a device with each other.

    A change of the frame size is an error, a lossy codec on a miniscope and a video that cannot be
    read are warnings.
    """
    problems = _check_size(device)
    problems += [_unreadable(part, device) for part in device.parts if part.state == "unreadable"]
    lossy = next((part for part in device.parts if part.fourcc and part.is_lossy), None)
    if lossy is not None and device.role == "scope":
        message = (
            f"{lossy.relative_path}: the videos of {device.name} are compressed with loss "
            f"({lossy.fourcc.strip()}); they are converted as they decode."
        )
        problems.append(
            Problem("warning", "lossy_codec", message, lossy.relative_path, device.name)
        )
    return problems


def _check_size(device: Device) -> list[Problem]:
    sized = [part for part in device.parts if part.width and part.height]
    for part in sized[1:]:
        first = sized[0]
        if (part.width, part.height) != (first.width, first.height):
            message = (
                f"{part.relative_path}: its frames are {part.width}x{part.height} pixels, those of "
                f"{first.path.name} {first.width}x{first.height}; move the videos of one size out "
                "of the folder, with their time stamps."
            )
            return [Problem("error", "size_change", message, part.relative_path, device.name)]
    return []


def _unreadable(part: VideoPart, device: Device) -> Problem:
    message = (
        f"{part.relative_path}: cannot be read as a video ({part.n_bytes} bytes); its frames are "
        "lost unless you restore the file."
    )
    return Problem("warning", "unreadable_part", message, part.relative_path, device.name)
