// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {TipJar} from "../TipJar.sol";

/// A well-behaved ERC-20 that anybody may mint. The others differ from it in one way each.
contract PlainToken {
    mapping(address => uint256) public balanceOf;
    mapping(address => mapping(address => uint256)) public allowance;

    function mint(address to, uint256 amount) external {
        balanceOf[to] += amount;
    }

    function approve(address spender, uint256 amount) external returns (bool) {
        allowance[msg.sender][spender] = amount;
        return true;
    }

    function transferFrom(address from, address to, uint256 amount) external virtual returns (bool) {
        _move(from, to, amount);
        return true;
    }

    function _move(address from, address to, uint256 amount) internal {
        allowance[from][msg.sender] -= amount;
        balanceOf[from] -= amount;
        balanceOf[to] += amount;
    }
}

/// Burns a tenth of every transfer.
contract FeeToken is PlainToken {
    function transferFrom(address from, address to, uint256 amount) external override returns (bool) {
        _move(from, to, amount);
        balanceOf[to] -= amount / 10;
        return true;
    }
}

/// Says no without reverting.
contract FalseToken is PlainToken {
    function transferFrom(address, address, uint256) external pure override returns (bool) {
        return false;
    }
}

/// Says yes and moves nothing.
contract LyingToken is PlainToken {
    function transferFrom(address, address, uint256) external pure override returns (bool) {
        return true;
    }
}

/// Puts more on the receiver's account than was sent.
contract GenerousToken is PlainToken {
    function transferFrom(address from, address to, uint256 amount) external override returns (bool) {
        _move(from, to, amount);
        balanceOf[to] += 1000 * amount;
        return true;
    }
}

/// Tips again from inside a transfer, and lets the inner tip's delivery pass for the outer one's too.
contract ReentrantToken is PlainToken {
    bool private inside;

    function transferFrom(address from, address to, uint256 amount) external override returns (bool) {
        if (inside) {
            balanceOf[to] += amount;
            return true;
        }
        inside = true;
        allowance[from][msg.sender] -= amount;
        TipJar(msg.sender).tipToken(address(this), amount, to, "again", bytes32(0));
        return true;
    }
}

/// Returns nothing at all, as USDT does.
contract NoReturnToken {
    mapping(address => uint256) public balanceOf;
    mapping(address => mapping(address => uint256)) public allowance;

    function mint(address to, uint256 amount) external {
        balanceOf[to] += amount;
    }

    function approve(address spender, uint256 amount) external {
        allowance[msg.sender][spender] = amount;
    }

    function transferFrom(address from, address to, uint256 amount) external {
        allowance[from][msg.sender] -= amount;
        balanceOf[from] -= amount;
        balanceOf[to] += amount;
    }
}
